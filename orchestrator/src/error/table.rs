//! The table of public errors: code, HTTP status, exit code, title, advice, page.
//!
//! The only place where these are written. A new error is a variant of [`ErrorCode`], a row here
//! at the same position, and a page; the compiler refuses a row at the wrong position and a row
//! without a page.

use super::ErrorCode;

/// How a command of the command line ends. Documented in `docs/cli-exit-codes.md`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Exit {
    /// Done as asked.
    Ok = 0,
    /// Done, and problems were found in what was given or asked for.
    Problems = 1,
    /// The command line or the configuration is wrong; nothing was done.
    Usage = 2,
    /// Something that is needed is not there just now; the same command may work later.
    Unavailable = 3,
    /// The store must not be used as it is; trying again does not help.
    Damaged = 4,
    /// A mistake of ours.
    Internal = 70,
}

impl Exit {
    /// The number that the process ends with.
    pub fn code(self) -> u8 {
        self as u8
    }
}

impl From<Exit> for std::process::ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit as u8)
    }
}

/// One public error.
#[derive(Debug)]
pub struct Row {
    /// Which one.
    pub kind: ErrorCode,
    /// Stable code, `CAD-` and four digits.
    pub code: &'static str,
    /// HTTP status; `None` for what only the command line, the log or a send's history shows.
    pub status: Option<u16>,
    /// How a command ends that fails with it.
    pub exit: Exit,
    /// What it means: lower case, without a full stop.
    pub title: &'static str,
    /// What to do: lower case, without a full stop.
    pub advice: &'static str,
    /// The whole page, Markdown.
    pub page: &'static str,
}

/// Where the server shows the page of a code.
pub fn page_path(code: &str) -> String {
    format!("/errors/{code}")
}

/// The row of a code as people type it (`CAD-1001`, `cad-1001`).
pub fn find(code: &str) -> Option<&'static Row> {
    TABLE.iter().find(|row| row.code.eq_ignore_ascii_case(code))
}

const fn row(
    kind: ErrorCode,
    code: &'static str,
    status: Option<u16>,
    exit: Exit,
    title: &'static str,
    advice: &'static str,
    page: &'static str,
) -> Row {
    Row { kind, code, status, exit, title, advice, page }
}

/// Every public error, at the position of its kind.
#[rustfmt::skip]
pub static TABLE: [Row; 76] = [
    // Definitions.
    row(ErrorCode::InvalidDefinition, "CAD-1001", Some(422), Exit::Problems,
        "definition is not valid",
        "correct the places listed in `errors` and validate again",
        include_str!("../../docs/errors/CAD-1001.md")),
    row(ErrorCode::UnknownKey, "CAD-1002", Some(422), Exit::Problems,
        "definition has a key that is not known",
        "correct the spelling, or remove the key; `cadencia schema` lists the keys",
        include_str!("../../docs/errors/CAD-1002.md")),
    row(ErrorCode::BadExpression, "CAD-1003", Some(422), Exit::Problems,
        "expression cannot be used",
        "correct the expression at the place shown",
        include_str!("../../docs/errors/CAD-1003.md")),
    row(ErrorCode::BadTemplate, "CAD-1004", Some(422), Exit::Problems,
        "template cannot be used",
        "correct the template at the place shown",
        include_str!("../../docs/errors/CAD-1004.md")),
    row(ErrorCode::BadYaml, "CAD-1005", Some(422), Exit::Problems,
        "file is not readable as YAML",
        "correct the file at the line and column shown",
        include_str!("../../docs/errors/CAD-1005.md")),
    row(ErrorCode::UnknownKind, "CAD-1006", Some(422), Exit::Problems,
        "document has an unknown kind or apiVersion",
        "use `apiVersion: cadencia/v1` and one of the listed kinds",
        include_str!("../../docs/errors/CAD-1006.md")),
    row(ErrorCode::DuplicateName, "CAD-1007", Some(422), Exit::Problems,
        "two definitions of one kind have the same name",
        "rename one of them",
        include_str!("../../docs/errors/CAD-1007.md")),
    row(ErrorCode::UnknownReference, "CAD-1008", Some(422), Exit::Problems,
        "definition refers to something that is not there",
        "add the missing definition, or correct the name",
        include_str!("../../docs/errors/CAD-1008.md")),
    row(ErrorCode::DefinitionTooLarge, "CAD-1009", Some(422), Exit::Problems,
        "definition is larger than a limit allows",
        "split the journey or shorten the part that is named",
        include_str!("../../docs/errors/CAD-1009.md")),
    row(ErrorCode::BadMigration, "CAD-1010", Some(422), Exit::Problems,
        "version cannot take over running enrollments",
        "correct `migrate`, or leave the enrollments on their version",
        include_str!("../../docs/errors/CAD-1010.md")),
    // Events that come in.
    row(ErrorCode::MalformedBody, "CAD-2001", Some(400), Exit::Problems,
        "body is not valid JSON",
        "send one JSON object, in UTF-8",
        include_str!("../../docs/errors/CAD-2001.md")),
    row(ErrorCode::UnknownContentType, "CAD-2002", Some(415), Exit::Problems,
        "content type or encoding is not known",
        "send application/json, plain or gzip",
        include_str!("../../docs/errors/CAD-2002.md")),
    row(ErrorCode::PayloadTooLarge, "CAD-2003", Some(413), Exit::Problems,
        "request is too large",
        "send smaller batches",
        include_str!("../../docs/errors/CAD-2003.md")),
    row(ErrorCode::EventTooLarge, "CAD-2004", Some(413), Exit::Problems,
        "event is too large",
        "send less in properties and traits",
        include_str!("../../docs/errors/CAD-2004.md")),
    row(ErrorCode::TooManyEvents, "CAD-2005", Some(413), Exit::Problems,
        "batch has too many events",
        "split the batch",
        include_str!("../../docs/errors/CAD-2005.md")),
    row(ErrorCode::MissingIdentity, "CAD-2006", Some(400), Exit::Problems,
        "event names no customer",
        "set userId or anonymousId",
        include_str!("../../docs/errors/CAD-2006.md")),
    row(ErrorCode::BadTimestamp, "CAD-2007", Some(400), Exit::Problems,
        "time is not readable",
        "send RFC 3339 with an offset, such as 2026-03-01T09:30:00Z",
        include_str!("../../docs/errors/CAD-2007.md")),
    row(ErrorCode::BadMessageId, "CAD-2008", Some(400), Exit::Problems,
        "message id cannot be used",
        "send a string within the length limit, or none",
        include_str!("../../docs/errors/CAD-2008.md")),
    row(ErrorCode::UnknownEventType, "CAD-2009", Some(400), Exit::Problems,
        "type of the event is not known",
        "use one of the types of the tracking API",
        include_str!("../../docs/errors/CAD-2009.md")),
    row(ErrorCode::MissingEventName, "CAD-2010", Some(400), Exit::Problems,
        "track event has no name",
        "set event to a non-empty string",
        include_str!("../../docs/errors/CAD-2010.md")),
    row(ErrorCode::BadField, "CAD-2011", Some(400), Exit::Problems,
        "field has the wrong type or cannot be used",
        "correct the field that is named",
        include_str!("../../docs/errors/CAD-2011.md")),
    row(ErrorCode::UnauthorisedWriteKey, "CAD-2012", Some(401), Exit::Problems,
        "write key is missing or not known",
        "send a configured write key as the user of Basic authentication",
        include_str!("../../docs/errors/CAD-2012.md")),
    row(ErrorCode::Overloaded, "CAD-2013", Some(429), Exit::Unavailable,
        "server takes no more input for the moment",
        "send the same request again after Retry-After seconds",
        include_str!("../../docs/errors/CAD-2013.md")),
    // The store.
    row(ErrorCode::StoreUnavailable, "CAD-3001", Some(503), Exit::Unavailable,
        "store cannot write",
        "send the request again later; look at the server's log and its disk",
        include_str!("../../docs/errors/CAD-3001.md")),
    row(ErrorCode::ShuttingDown, "CAD-3002", Some(503), Exit::Unavailable,
        "server is shutting down",
        "send the request again; another process will answer",
        include_str!("../../docs/errors/CAD-3002.md")),
    row(ErrorCode::NotReady, "CAD-3003", Some(503), Exit::Unavailable,
        "server is still loading",
        "send the request again after Retry-After seconds",
        include_str!("../../docs/errors/CAD-3003.md")),
    row(ErrorCode::StoreLocked, "CAD-3004", None, Exit::Unavailable,
        "store is in use by another process",
        "stop the other process, or use another data directory",
        include_str!("../../docs/errors/CAD-3004.md")),
    row(ErrorCode::StoreCorrupt, "CAD-3005", Some(500), Exit::Damaged,
        "store is damaged",
        "do not delete anything; restore a backup or ask for help with the message",
        include_str!("../../docs/errors/CAD-3005.md")),
    row(ErrorCode::StoreNewerFormat, "CAD-3006", None, Exit::Damaged,
        "store was written by a newer version",
        "run that version or a later one",
        include_str!("../../docs/errors/CAD-3006.md")),
    row(ErrorCode::PartitionCountMismatch, "CAD-3007", None, Exit::Damaged,
        "store has another number of partitions",
        "set the number that the store was created with",
        include_str!("../../docs/errors/CAD-3007.md")),
    row(ErrorCode::StoreBehind, "CAD-3008", None, Exit::Damaged,
        "store has lost commits that were confirmed",
        "restore the data directory as a whole; never parts of it",
        include_str!("../../docs/errors/CAD-3008.md")),
    row(ErrorCode::CommitStalled, "CAD-3009", None, Exit::Unavailable,
        "commit did not finish in time",
        "look at the disk; start the server again",
        include_str!("../../docs/errors/CAD-3009.md")),
    // Resources and operations.
    row(ErrorCode::NotFound, "CAD-4001", Some(404), Exit::Problems,
        "nothing is at this address",
        "compare the path with the API reference",
        include_str!("../../docs/errors/CAD-4001.md")),
    row(ErrorCode::MethodNotAllowed, "CAD-4002", Some(405), Exit::Problems,
        "method is not allowed here",
        "use one of the methods in Allow",
        include_str!("../../docs/errors/CAD-4002.md")),
    row(ErrorCode::BadParameter, "CAD-4003", Some(400), Exit::Problems,
        "parameter cannot be used",
        "correct the parameter that is named",
        include_str!("../../docs/errors/CAD-4003.md")),
    row(ErrorCode::JourneyUnknown, "CAD-4004", Some(404), Exit::Problems,
        "journey is not known",
        "list the journeys with `cadencia journeys`",
        include_str!("../../docs/errors/CAD-4004.md")),
    row(ErrorCode::CustomerUnknown, "CAD-4005", Some(404), Exit::Problems,
        "customer is not known",
        "check the id; anonymous customers start with `anon:`",
        include_str!("../../docs/errors/CAD-4005.md")),
    row(ErrorCode::ChannelUnknown, "CAD-4006", Some(404), Exit::Problems,
        "channel is not known",
        "check the name against the applied definitions",
        include_str!("../../docs/errors/CAD-4006.md")),
    row(ErrorCode::PlanStale, "CAD-4007", Some(409), Exit::Problems,
        "plan is stale",
        "make a new plan, read it, and apply that",
        include_str!("../../docs/errors/CAD-4007.md")),
    row(ErrorCode::StateConflict, "CAD-4008", Some(409), Exit::Problems,
        "operation does not fit the present state",
        "look at the present state, then decide again",
        include_str!("../../docs/errors/CAD-4008.md")),
    row(ErrorCode::BadLinkToken, "CAD-4009", Some(400), Exit::Problems,
        "link is not valid",
        "use the link of the newest message",
        include_str!("../../docs/errors/CAD-4009.md")),
    row(ErrorCode::Unauthorised, "CAD-4010", Some(401), Exit::Problems,
        "credential is missing or not valid",
        "send a token as Bearer authentication, or log in",
        include_str!("../../docs/errors/CAD-4010.md")),
    row(ErrorCode::Internal, "CAD-4011", Some(500), Exit::Internal,
        "server made a mistake",
        "report the log lines with this instance",
        include_str!("../../docs/errors/CAD-4011.md")),
    row(ErrorCode::Forbidden, "CAD-4012", Some(403), Exit::Problems,
        "credential does not allow this",
        "use a credential with the scope that is named, or ask an admin for it",
        include_str!("../../docs/errors/CAD-4012.md")),
    row(ErrorCode::CrossSite, "CAD-4013", Some(403), Exit::Problems,
        "request comes from another site",
        "use the page of this server; programs send a token instead of a cookie",
        include_str!("../../docs/errors/CAD-4013.md")),
    row(ErrorCode::TooManyLogins, "CAD-4014", Some(429), Exit::Unavailable,
        "too many logins were tried",
        "try again after Retry-After seconds",
        include_str!("../../docs/errors/CAD-4014.md")),
    row(ErrorCode::LoginRefused, "CAD-4015", Some(401), Exit::Problems,
        "name or password is wrong",
        "try again, or ask an admin for a new password",
        include_str!("../../docs/errors/CAD-4015.md")),
    row(ErrorCode::PrincipalUnknown, "CAD-4016", Some(404), Exit::Problems,
        "user or token is not known",
        "list them with `cadencia users list` and `cadencia tokens list`",
        include_str!("../../docs/errors/CAD-4016.md")),
    row(ErrorCode::ProviderUnavailable, "CAD-4017", Some(502), Exit::Unavailable,
        "identity provider cannot be used",
        "try again later; an operator compares the settings with the provider",
        include_str!("../../docs/errors/CAD-4017.md")),
    row(ErrorCode::IdentityRefused, "CAD-4018", Some(403), Exit::Problems,
        "identity provider's answer is not accepted",
        "log in again; an admin looks at the roles in the settings",
        include_str!("../../docs/errors/CAD-4018.md")),
    row(ErrorCode::SendUnknown, "CAD-4019", Some(404), Exit::Problems,
        "send is not known",
        "check the id; `cadencia sends list` shows the ids of sends",
        include_str!("../../docs/errors/CAD-4019.md")),
    row(ErrorCode::SendMayHaveArrived, "CAD-4020", Some(409), Exit::Problems,
        "send may have arrived",
        "ask the receiver's side; if twice is better than never, say so with the redrive",
        include_str!("../../docs/errors/CAD-4020.md")),
    row(ErrorCode::BadCursor, "CAD-4021", Some(422), Exit::Problems,
        "cursor cannot be used",
        "take `next_cursor` of the page before, with the same filters; begin again without one",
        include_str!("../../docs/errors/CAD-4021.md")),
    row(ErrorCode::IdempotencyMismatch, "CAD-4022", Some(422), Exit::Problems,
        "idempotency key belongs to another request",
        "take a new key for a new request; repeat a request with its key and nothing changed",
        include_str!("../../docs/errors/CAD-4022.md")),
    row(ErrorCode::IdempotencyUnfinished, "CAD-4023", Some(409), Exit::Problems,
        "answer to this idempotency key is not known",
        "look at what became of the first request; take a new key if it is to be done again",
        include_str!("../../docs/errors/CAD-4023.md")),
    row(ErrorCode::DefinitionUnknown, "CAD-4024", Some(404), Exit::Problems,
        "definition is not published",
        "list what is published with `GET /api/v1/definitions`",
        include_str!("../../docs/errors/CAD-4024.md")),
    row(ErrorCode::EnrollmentUnknown, "CAD-4025", Some(404), Exit::Problems,
        "enrollment is not known",
        "look at the customer: an enrollment that has ended stands in her timeline",
        include_str!("../../docs/errors/CAD-4025.md")),
    row(ErrorCode::ReportUnsigned, "CAD-4026", Some(403), Exit::Problems,
        "report is not signed by the channel's provider",
        "compare the auth token and `public_url` with what the provider has",
        include_str!("../../docs/errors/CAD-4026.md")),
    // Data files.
    row(ErrorCode::ImportRowRejected, "CAD-5001", None, Exit::Problems,
        "row was not imported",
        "correct the rows in the rejects file and import it again",
        include_str!("../../docs/errors/CAD-5001.md")),
    row(ErrorCode::MappingInvalid, "CAD-5002", None, Exit::Problems,
        "mapping file is not valid",
        "correct the mapping at the place shown",
        include_str!("../../docs/errors/CAD-5002.md")),
    row(ErrorCode::InputUnreadable, "CAD-5003", None, Exit::Unavailable,
        "input file cannot be read",
        "check the path, the permissions and whether the file is whole",
        include_str!("../../docs/errors/CAD-5003.md")),
    row(ErrorCode::OutputUnwritable, "CAD-5004", None, Exit::Unavailable,
        "output cannot be written",
        "check the directory, its permissions and the free space",
        include_str!("../../docs/errors/CAD-5004.md")),
    // Sending.
    row(ErrorCode::SmtpRejected, "CAD-6001", None, Exit::Problems,
        "mail server refused the message for good",
        "read the reply; correct the address or the sender",
        include_str!("../../docs/errors/CAD-6001.md")),
    row(ErrorCode::SmtpDeferred, "CAD-6002", None, Exit::Problems,
        "mail server refused the message for now",
        "nothing: it is tried again within its validity",
        include_str!("../../docs/errors/CAD-6002.md")),
    row(ErrorCode::SmtpUnreachable, "CAD-6003", None, Exit::Unavailable,
        "mail server cannot be reached",
        "check host, port and network; it is tried again",
        include_str!("../../docs/errors/CAD-6003.md")),
    row(ErrorCode::SmtpProtocol, "CAD-6004", None, Exit::Problems,
        "mail server answered with something that is not SMTP",
        "check that host and port belong to a mail server",
        include_str!("../../docs/errors/CAD-6004.md")),
    row(ErrorCode::SmtpAuthentication, "CAD-6005", None, Exit::Problems,
        "mail server refused the credentials",
        "correct user name and password of the channel",
        include_str!("../../docs/errors/CAD-6005.md")),
    row(ErrorCode::SmtpTls, "CAD-6006", None, Exit::Problems,
        "no secure connection to the mail server",
        "check the certificate, its name and the TLS mode of the channel",
        include_str!("../../docs/errors/CAD-6006.md")),
    row(ErrorCode::OutcomeUnknown, "CAD-6007", None, Exit::Problems,
        "nobody knows whether the message was taken",
        "look at the mail server's log under the Message-ID",
        include_str!("../../docs/errors/CAD-6007.md")),
    row(ErrorCode::RenderFailed, "CAD-6008", None, Exit::Problems,
        "message could not be rendered",
        "correct the template, or give the value a default",
        include_str!("../../docs/errors/CAD-6008.md")),
    row(ErrorCode::AddressInvalid, "CAD-6009", None, Exit::Problems,
        "address of the customer cannot be used",
        "correct the address at its source",
        include_str!("../../docs/errors/CAD-6009.md")),
    // Start and configuration.
    row(ErrorCode::ConfigurationInvalid, "CAD-7001", None, Exit::Usage,
        "configuration is not valid",
        "correct the setting that is named",
        include_str!("../../docs/errors/CAD-7001.md")),
    row(ErrorCode::PortInUse, "CAD-7002", None, Exit::Unavailable,
        "port is in use",
        "stop the other process, or choose another port",
        include_str!("../../docs/errors/CAD-7002.md")),
    row(ErrorCode::KeyUnreadable, "CAD-7003", None, Exit::Usage,
        "key or certificate cannot be read",
        "check the path, the permissions and the format",
        include_str!("../../docs/errors/CAD-7003.md")),
    row(ErrorCode::ServerUnreachable, "CAD-7004", None, Exit::Unavailable,
        "server cannot be reached",
        "start it, or correct the address",
        include_str!("../../docs/errors/CAD-7004.md")),
    row(ErrorCode::DataDirectoryUnusable, "CAD-7005", None, Exit::Unavailable,
        "data directory cannot be used",
        "check the path, its owner and the free space",
        include_str!("../../docs/errors/CAD-7005.md")),
];

// A kind finds its row by position: checked when this is compiled.
const _: () = {
    let mut at = 0;
    while at < TABLE.len() {
        assert!(TABLE[at].kind as usize == at, "a row stands at the position of another kind");
        at += 1;
    }
};
