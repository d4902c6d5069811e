//! The kinds of public errors, in the order of their codes.

/// What went wrong, as a public error. Each has one row in [`TABLE`](super::TABLE).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[repr(u8)]
pub enum ErrorCode {
    /// Definition is not valid.
    InvalidDefinition,
    /// Definition has a key that is not known.
    UnknownKey,
    /// Expression cannot be used.
    BadExpression,
    /// Template cannot be used.
    BadTemplate,
    /// File is not readable as YAML.
    BadYaml,
    /// Document has an unknown kind or apiVersion.
    UnknownKind,
    /// Two definitions of one kind have the same name.
    DuplicateName,
    /// Definition refers to something that is not there.
    UnknownReference,
    /// Definition is larger than a limit allows.
    DefinitionTooLarge,
    /// Version cannot take over running enrollments.
    BadMigration,
    /// Body is not valid JSON.
    MalformedBody,
    /// Content type or encoding is not known.
    UnknownContentType,
    /// Request is too large.
    PayloadTooLarge,
    /// Event is too large.
    EventTooLarge,
    /// Batch has too many events.
    TooManyEvents,
    /// Event names no customer.
    MissingIdentity,
    /// Time is not readable.
    BadTimestamp,
    /// Message id cannot be used.
    BadMessageId,
    /// Type of the event is not known.
    UnknownEventType,
    /// Track event has no name.
    MissingEventName,
    /// Field has the wrong type or cannot be used.
    BadField,
    /// Write key is missing or not known.
    UnauthorisedWriteKey,
    /// Server takes no more input for the moment.
    Overloaded,
    /// Store cannot write.
    StoreUnavailable,
    /// Server is shutting down.
    ShuttingDown,
    /// Server is still loading.
    NotReady,
    /// Store is in use by another process.
    StoreLocked,
    /// Store is damaged.
    StoreCorrupt,
    /// Store was written by a newer version.
    StoreNewerFormat,
    /// Store has another number of partitions.
    PartitionCountMismatch,
    /// Store has lost commits that were confirmed.
    StoreBehind,
    /// Commit did not finish in time.
    CommitStalled,
    /// What is known of a customer is too large.
    CustomerTooLarge,
    /// Nothing is at this address.
    NotFound,
    /// Method is not allowed here.
    MethodNotAllowed,
    /// Parameter cannot be used.
    BadParameter,
    /// Journey is not known.
    JourneyUnknown,
    /// Customer is not known.
    CustomerUnknown,
    /// Channel is not known.
    ChannelUnknown,
    /// Plan is stale.
    PlanStale,
    /// Operation does not fit the present state.
    StateConflict,
    /// Link is not valid.
    BadLinkToken,
    /// Credential is missing or not valid.
    Unauthorised,
    /// Server made a mistake.
    Internal,
    /// Credential does not allow this.
    Forbidden,
    /// Request comes from another site.
    CrossSite,
    /// Too many logins were tried.
    TooManyLogins,
    /// Name or password is wrong.
    LoginRefused,
    /// User or token is not known.
    PrincipalUnknown,
    /// Identity provider cannot be used.
    ProviderUnavailable,
    /// Identity provider's answer is not accepted.
    IdentityRefused,
    /// Send is not known.
    SendUnknown,
    /// Send may have arrived.
    SendMayHaveArrived,
    /// Cursor cannot be used.
    BadCursor,
    /// Idempotency key belongs to another request.
    IdempotencyMismatch,
    /// Request with this idempotency key was begun and not finished.
    IdempotencyUnfinished,
    /// Definition is not published.
    DefinitionUnknown,
    /// Enrollment is not known.
    EnrollmentUnknown,
    /// Report is not a provider's.
    ReportUnsigned,
    /// Row was not imported.
    ImportRowRejected,
    /// Mapping file is not valid.
    MappingInvalid,
    /// Input file cannot be read.
    InputUnreadable,
    /// Output cannot be written.
    OutputUnwritable,
    /// Mail server refused the message for good.
    SmtpRejected,
    /// Mail server refused the message for now.
    SmtpDeferred,
    /// Mail server cannot be reached.
    SmtpUnreachable,
    /// Mail server answered with something that is not SMTP.
    SmtpProtocol,
    /// Mail server refused the credentials.
    SmtpAuthentication,
    /// No secure connection to the mail server.
    SmtpTls,
    /// Nobody knows whether the message was taken.
    OutcomeUnknown,
    /// Message could not be rendered.
    RenderFailed,
    /// Address of the customer cannot be used.
    AddressInvalid,
    /// Configuration is not valid.
    ConfigurationInvalid,
    /// Port is in use.
    PortInUse,
    /// Key or certificate cannot be read.
    KeyUnreadable,
    /// Server cannot be reached.
    ServerUnreachable,
    /// Data directory cannot be used.
    DataDirectoryUnusable,
}

impl ErrorCode {
    /// The row of this error.
    pub fn row(self) -> &'static super::Row {
        &super::TABLE[self as usize]
    }

    /// The stable code (`CAD-1001`).
    pub fn as_str(self) -> &'static str {
        self.row().code
    }
}

impl std::fmt::Display for ErrorCode {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.as_str())
    }
}
