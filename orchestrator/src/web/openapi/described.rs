//! What each operation takes and gives. A new operation for programs gets an arm here; a page of
//! the console needs none.

use schemars::{JsonSchema, SchemaGenerator};
use serde_json::{Value, json};

use super::events;
use crate::access::operation::Operation;
use crate::access::{NewToken, NewUser, Rotation, Shown as ShownToken, ShownPassword};
use crate::access::{TokenState, UserState};
use crate::admin::{
    Applied, AudienceState, ChannelState, Definition, DefinitionLine, ExportState, Imported,
    JourneyState, JourneyVersion, PolicyState, Proposal, SegmentState, Status, TestMessage, Tested,
    VersionDiff,
};
use crate::config::Kind;
use crate::customers::{CustomerDetail, CustomerLine, EnrollmentLine};
use crate::error::ErrorCode as E;
use crate::members::MemberLine;
use crate::publish::Plan;
use crate::sends::SendDetail;
use crate::telemetry::metrics::{OPEN_METRICS, PLAIN_METRICS};
use crate::timeline::Timeline;
use crate::web::api::access::{AuditLine, AuditQuery, NewPassword, NewRole, Whoami};
use crate::web::api::admin::{Entry, ImportQuery, Look, Rows};
use crate::web::api::audiences::MembersQuery;
use crate::web::api::catalog::{DefinitionsQuery, DiffQuery};
use crate::web::api::customers::{CustomersQuery, EnrollmentsQuery, UnsuppressOrder};
use crate::web::api::errors::MARKDOWN;
use crate::web::api::page::{Page, PageQuery};
use crate::web::api::sends::{RedriveOrder, SendsPage, SendsQuery};
use crate::web::api::tracking::Accepted;
use crate::web::live_events;

/// Groups of operations.
pub(super) const TAGS: [(&str, &str); 8] = [
    (MACHINES, "For machines around the server."),
    (CUSTOMERS, "For customers: the token in the path is what they need."),
    (PROVIDERS, "For providers: what they sign is what they need."),
    (EVENTS, "For senders of events."),
    (LOOK, "Looking at customers, journeys, sends and definitions."),
    (CHANGE, "Publishing, running, sending."),
    (ACCESS, "Tokens, users, audit."),
    (CONSOLE, "The console."),
];
const MACHINES: &str = "machines";
const CUSTOMERS: &str = "customers";
const PROVIDERS: &str = "providers";
const EVENTS: &str = "events";
const LOOK: &str = "look";
const CHANGE: &str = "change";
const ACCESS: &str = "access";
const CONSOLE: &str = "console";

type Schema = fn(&mut SchemaGenerator) -> Value;

/// What an operation takes.
pub(super) enum Body {
    /// JSON of a type.
    Json(Schema),
    /// Calls of senders, which are read by hand.
    Events(fn() -> Value),
    /// An event of another kind.
    CloudEvent,
    /// A form of a page.
    Form(Value),
    /// Bytes.
    Bytes,
}

/// What an operation gives.
pub(super) enum Answer {
    /// JSON of a type.
    Json(Schema),
    /// No more than that it was done.
    Nothing,
    /// Not even that: there is no body.
    Empty,
    /// Something else, of a content type.
    Text(&'static str, &'static str),
    /// Another page.
    Elsewhere,
}

/// What an operation is, takes and gives.
pub(super) struct Described {
    pub(super) summary: &'static str,
    pub(super) tag: &'static str,
    pub(super) query: Option<Schema>,
    pub(super) body: Option<Body>,
    /// A body as it usually is.
    pub(super) example: Option<fn() -> Value>,
    pub(super) answers: Vec<Answer>,
    pub(super) problems: &'static [E],
    /// Operations that go on from the answer: with which parameter, taken from where.
    pub(super) links: Vec<(&'static str, &'static str, &'static str)>,
}

fn schema<T: JsonSchema>(generator: &mut SchemaGenerator) -> Value {
    generator.subschema_for::<T>().to_value()
}

/// The schema itself: fields of queries are no type of the document.
fn inline<T: JsonSchema>(generator: &mut SchemaGenerator) -> Value {
    T::json_schema(generator).to_value()
}

impl Described {
    fn new(tag: &'static str, summary: &'static str) -> Self {
        Self {
            summary,
            tag,
            query: None,
            body: None,
            example: None,
            answers: Vec::new(),
            problems: &[],
            links: Vec::new(),
        }
    }

    fn asks<Q: JsonSchema>(mut self) -> Self {
        self.query = Some(inline::<Q>);
        self
    }

    fn takes<B: JsonSchema>(mut self) -> Self {
        self.body = Some(Body::Json(schema::<B>));
        self
    }

    fn such_as(mut self, example: fn() -> Value) -> Self {
        self.example = Some(example);
        self
    }

    fn body(mut self, body: Body) -> Self {
        self.body = Some(body);
        self
    }

    fn gives<A: JsonSchema>(mut self) -> Self {
        self.answers.push(Answer::Json(schema::<A>));
        self
    }

    fn answers(mut self, answer: Answer) -> Self {
        self.answers.push(answer);
        self
    }

    fn refuses(mut self, problems: &'static [E]) -> Self {
        self.problems = problems;
        self
    }

    fn then(mut self, operation: &'static str, name: &'static str, from: &'static str) -> Self {
        self.links.push((operation, name, from));
        self
    }
}

/// Whether an operation has its arm below.
#[cfg(test)]
pub(super) fn is_described(operation: &Operation) -> bool {
    find(operation.id).is_some()
}

pub(super) fn of(operation: &Operation) -> Described {
    find(operation.id).unwrap_or_else(|| {
        let page = Described::new(CONSOLE, "A page of the console.");
        match operation.writes() {
            false => page.answers(Answer::Text(HTML, "The page.")).answers(Answer::Elsewhere),
            true => page.body(Body::Form(json!({"type": "object"}))).answers(Answer::Elsewhere),
        }
    })
}

const HTML: &str = "text/html; charset=utf-8";
const PLAIN: &str = "text/plain; charset=utf-8";

fn find(id: &str) -> Option<Described> {
    machines(id)
        .or_else(|| senders(id))
        .or_else(|| looks(id))
        .or_else(|| catalog(id))
        .or_else(|| changes(id))
        .or_else(|| access(id))
        .or_else(|| pages(id))
}

fn machines(id: &str) -> Option<Described> {
    let one = |words| Some(Described::new(MACHINES, words));
    match id {
        "live" => {
            one("Whether the process runs.").map(|it| it.answers(Answer::Text(PLAIN, "It does.")))
        }
        "ready" => {
            one("Whether it takes events.").map(|it| it.answers(Answer::Text(PLAIN, "It does.")))
        }
        "metrics" => one("The metrics, as OpenMetrics text for who accepts that.").map(|it| {
            it.answers(Answer::Text(PLAIN_METRICS, "The metrics."))
                .answers(Answer::Text(OPEN_METRICS, "The metrics."))
        }),
        "errorPage" => one("What an error means and what to do, by its code.")
            .map(|it| it.answers(Answer::Text(MARKDOWN, "The page."))),
        "openApi" => one("This document.").map(|it| it.gives::<serde_json::Map<String, Value>>()),
        "unsubscribeAsk" => {
            let it = Described::new(CUSTOMERS, "The page that asks whether to unsubscribe.");
            Some(it.answers(Answer::Text(HTML, "The page.")))
        }
        "unsubscribe" => {
            let it = Described::new(CUSTOMERS, "Withdraws the consent that the token names.");
            Some(it.answers(Answer::Text(HTML, "A page that says so.")))
        }
        "providerReport" => Some(
            Described::new(PROVIDERS, "Takes in what became of a message, signed by its provider.")
                .body(Body::Form(json!({
                    "type": "object",
                    "properties": {
                        "MessageSid": {"type": "string"},
                        "MessageStatus": {"type": "string"},
                        "ErrorCode": {"type": "string"},
                    },
                })))
                .answers(Answer::Empty)
                .refuses(&[E::ReportUnsigned, E::SendUnknown, E::PayloadTooLarge]),
        ),
        _ => None,
    }
}

fn senders(id: &str) -> Option<Described> {
    let body: fn() -> Value = match id {
        "identify" => events::identify,
        "track" => events::track,
        "page" => events::page,
        "screen" => events::screen,
        "group" => events::group,
        "alias" => events::alias,
        "batch" => events::batch,
        "cloudEvents" => {
            let it = Described::new(EVENTS, "CloudEvents 1.0. Answered when durable.");
            return Some(it.body(Body::CloudEvent).gives::<Accepted>().refuses(EVENT_PROBLEMS));
        }
        _ => return None,
    };
    let words = match id {
        "identify" => "Traits and consent of a customer. Answered when durable.",
        "track" => "An event of a customer. Answered when durable.",
        "page" => "A customer looked at a page. Answered when durable.",
        "screen" => "A customer looked at a screen. Answered when durable.",
        "group" => "A customer belongs to a group. Answered when durable.",
        "alias" => "Two ids are one customer. Answered when durable.",
        _ => "Several calls. Answered when all are durable.",
    };
    let it = Described::new(EVENTS, words).body(Body::Events(body)).such_as(match id {
        "batch" => events::usual_batch,
        "alias" => events::usual_alias,
        "group" => events::usual_group,
        _ => events::usual,
    });
    Some(it.gives::<Accepted>().refuses(EVENT_PROBLEMS))
}

const EVENT_PROBLEMS: &[E] = &[
    E::MissingIdentity,
    E::BadTimestamp,
    E::BadMessageId,
    E::UnknownEventType,
    E::MissingEventName,
    E::BadField,
    E::EventTooLarge,
    E::TooManyEvents,
];

fn looks(id: &str) -> Option<Described> {
    let one = |words| Described::new(LOOK, words);
    Some(match id {
        "status" => one("How the process stands.").gives::<Status>(),
        "listJourneys" => one("How the journeys stand, by name.")
            .asks::<PageQuery>()
            .gives::<Page<JourneyState>>()
            .refuses(&[E::BadCursor]),
        "getJourney" => {
            one("How one journey stands.").gives::<JourneyState>().refuses(&[E::JourneyUnknown])
        }
        "listEnrollments" => one("Enrollments of a journey that go on.")
            .asks::<EnrollmentsQuery>()
            .gives::<Page<EnrollmentLine>>()
            .refuses(&[E::JourneyUnknown, E::BadCursor]),
        "getEnrollment" => one("An enrollment that goes on.")
            .gives::<EnrollmentLine>()
            .refuses(&[E::EnrollmentUnknown]),
        "listCustomers" => one("Customers, in the order of the hashes of their ids.")
            .asks::<CustomersQuery>()
            .gives::<Page<CustomerLine>>()
            .refuses(&[E::BadCursor]),
        "getCustomer" => one("All that is known of a customer.")
            .gives::<CustomerDetail>()
            .refuses(&[E::CustomerUnknown]),
        "customerEnrollments" => one("Enrollments of a customer that go on.")
            .gives::<Page<EnrollmentLine>>()
            .refuses(&[E::CustomerUnknown]),
        "timeline" => one("What happened to a customer, newest first, and why.")
            .asks::<Rows>()
            .gives::<Timeline>()
            .refuses(&[E::CustomerUnknown]),
        "listSends" => one("Sends of all customers, newest first.")
            .asks::<SendsQuery>()
            .gives::<SendsPage>()
            .refuses(&[E::BadCursor]),
        "getSend" => one("One send, with every decision on it.")
            .gives::<SendDetail>()
            .refuses(&[E::SendUnknown]),
        "liveEvents" => {
            one("The last events that came in.").asks::<Look>().gives::<live_events::Page>()
        }
        _ => return None,
    })
}

fn catalog(id: &str) -> Option<Described> {
    let one = |words| Described::new(LOOK, words);
    Some(match id {
        "listDefinitions" => one("The documents in force.")
            .asks::<DefinitionsQuery>()
            .gives::<Page<DefinitionLine>>()
            .refuses(&[E::BadCursor]),
        "getDefinition" => {
            one("A document in force.").gives::<Definition>().refuses(&[E::DefinitionUnknown])
        }
        "listVersions" => one("Versions of a journey that are current or have enrollments.")
            .asks::<PageQuery>()
            .gives::<Page<JourneyVersion>>()
            .refuses(&[E::JourneyUnknown, E::BadCursor]),
        "diffVersions" => one("Where two versions of a journey differ.")
            .asks::<DiffQuery>()
            .gives::<VersionDiff>()
            .refuses(&[E::JourneyUnknown]),
        "listSegments" => one("The segments in force.")
            .asks::<PageQuery>()
            .gives::<Page<SegmentState>>()
            .refuses(&[E::BadCursor]),
        "getPolicy" => one("The contact policy in force.").gives::<PolicyState>(),
        "listChannels" => one("The channels in force.")
            .asks::<PageQuery>()
            .gives::<Page<ChannelState>>()
            .refuses(&[E::BadCursor]),
        "listAudiences" => one("Retargeting audiences, and what became of their last exports.")
            .asks::<PageQuery>()
            .gives::<Page<AudienceState>>()
            .refuses(&[E::BadCursor]),
        "listMembers" => one("Members of an audience, in the order of the hashes of their ids.")
            .asks::<MembersQuery>()
            .gives::<Page<MemberLine>>()
            .refuses(&[E::ChannelUnknown, E::BadCursor]),
        "listTemplates" => one("The templates in force.")
            .asks::<PageQuery>()
            .gives::<Page<DefinitionLine>>()
            .refuses(&[E::BadCursor]),
        _ => return None,
    })
}

fn changes(id: &str) -> Option<Described> {
    let one = |words| Described::new(CHANGE, words);
    Some(match id {
        "plan" => one("What applying documents would change.")
            .takes::<Proposal>()
            .gives::<Plan>()
            .refuses(&[E::InvalidDefinition]),
        "apply" => one("Publishes documents, all or nothing.")
            .takes::<Proposal>()
            .gives::<Applied>()
            .refuses(&[E::DefinitionTooLarge, E::InvalidDefinition, E::PlanStale]),
        "controlJourney" => one("Pauses, resumes or stops a journey.")
            .gives::<JourneyState>()
            .refuses(&[E::JourneyUnknown]),
        "enroll" => one("Lets a customer enter a journey whose entry is `api`.")
            .takes::<Entry>()
            .such_as(|| json!({"customer": "ann", "key": "cart-7", "properties": {"total": 9}}))
            .answers(Answer::Nothing)
            .refuses(&[E::EventTooLarge, E::JourneyUnknown, E::StateConflict]),
        "exportAudience" => {
            one("Exports an audience now.").gives::<ExportState>().refuses(&[E::ChannelUnknown])
        }
        "unsuppressCustomer" => one("Lifts the stops on a customer's addresses of a channel.")
            .takes::<UnsuppressOrder>()
            .such_as(|| json!({"channel": "sms"}))
            .gives::<CustomerDetail>()
            .refuses(&[E::CustomerUnknown, E::StateConflict]),
        "redriveSend" => one("Sends a message again that ended without being accepted.")
            .takes::<RedriveOrder>()
            .such_as(|| json!({"even_if_it_may_have_arrived": false}))
            .gives::<SendDetail>()
            .refuses(&[E::SendUnknown, E::SendMayHaveArrived, E::StateConflict]),
        "import" => one("Recorded events, in the program's own encoding.")
            .asks::<ImportQuery>()
            .body(Body::Bytes)
            .gives::<Imported>()
            .refuses(&[
                E::BadMessageId,
                E::BadTimestamp,
                E::EventTooLarge,
                E::MissingEventName,
                E::MissingIdentity,
                E::StateConflict,
                E::TooManyEvents,
            ]),
        "sendTest" => one("A message of a template to an address, past journeys and rules.")
            .takes::<TestMessage>()
            .gives::<Tested>()
            .refuses(&[
                E::BadTemplate,
                E::CustomerUnknown,
                E::DefinitionUnknown,
                E::ChannelUnknown,
            ]),
        _ => return None,
    })
}

fn access(id: &str) -> Option<Described> {
    let one = |words| Described::new(ACCESS, words);
    Some(match id {
        "whoami" => one("Who asks, and what she may do.").gives::<Whoami>(),
        "listTokens" => one("Tokens, by the time at which they were made.")
            .asks::<PageQuery>()
            .gives::<Page<TokenState>>()
            .refuses(&[E::BadCursor]),
        "createToken" => one("Makes a token; its secret is shown this once.")
            .takes::<NewToken>()
            .such_as(|| json!({"kind": "api", "name": "dashboard", "scopes": ["read"]}))
            .gives::<ShownToken>()
            .refuses(&[E::StateConflict])
            .then("rotateToken", "id", "$response.body#/id")
            .then("revokeToken", "id", "$response.body#/id"),
        "rotateToken" => one("Gives a token a new secret.")
            .takes::<Rotation>()
            .gives::<ShownToken>()
            .refuses(&[E::PrincipalUnknown, E::StateConflict]),
        "revokeToken" => {
            one("Ends a token at once.").gives::<TokenState>().refuses(&[E::PrincipalUnknown])
        }
        "listUsers" => one("Users, by name.")
            .asks::<PageQuery>()
            .gives::<Page<UserState>>()
            .refuses(&[E::BadCursor]),
        "createUser" => one("Makes a local user.")
            .takes::<NewUser>()
            .such_as(|| json!({"name": "ann", "role": "viewer"}))
            .gives::<ShownPassword>()
            .refuses(&[E::StateConflict])
            .then("disableUser", "name", "$response.body#/name")
            .then("setRole", "name", "$response.body#/name"),
        "setRole" => one("Gives a user another role.")
            .takes::<NewRole>()
            .gives::<UserState>()
            .refuses(&[E::PrincipalUnknown, E::StateConflict]),
        "setPassword" => one("Gives a user another password.")
            .takes::<NewPassword>()
            .gives::<ShownPassword>()
            .refuses(&[E::PrincipalUnknown, E::StateConflict]),
        "deleteUser" => one("Forgets a user.").gives::<UserState>().refuses(&[E::PrincipalUnknown]),
        "disableUser" => {
            one("Keeps a user out.").gives::<UserState>().refuses(&[E::PrincipalUnknown])
        }
        "enableUser" => {
            one("Lets a user in again.").gives::<UserState>().refuses(&[E::PrincipalUnknown])
        }
        "listAudit" => one("Who changed what, newest first.")
            .asks::<AuditQuery>()
            .gives::<Page<AuditLine>>()
            .refuses(&[E::BadCursor]),
        _ => return None,
    })
}

/// Pages that are more than a page, and what belongs to them.
fn pages(id: &str) -> Option<Described> {
    let one = |words| Described::new(CONSOLE, words);
    Some(match id {
        "icon" => one("The picture of the console's tab.")
            .answers(Answer::Text("image/svg+xml", "The picture.")),
        "stylesheet" => one("The style of the console.")
            .answers(Answer::Text("text/css; charset=utf-8", "The style.")),
        "script" => one("The script of the console.")
            .answers(Answer::Text("text/javascript; charset=utf-8", "The script.")),
        "logIn" => one("Logs in.")
            .body(Body::Form(json!({
                "type": "object",
                "properties": {"name": {"type": "string"}, "password": {"type": "string"},
                    "next": {"type": "string"}},
                "required": ["name", "password"],
            })))
            .answers(Answer::Elsewhere)
            .refuses(&[E::LoginRefused, E::TooManyLogins, E::CrossSite]),
        "openLink" => one("Logs in by a one-time link.")
            .answers(Answer::Elsewhere)
            .refuses(&[E::BadLinkToken]),
        "beginSso" => one("Leads to the identity provider.")
            .answers(Answer::Elsewhere)
            .refuses(&[E::ProviderUnavailable]),
        "endSso" => one("The way back from the identity provider.")
            .answers(Answer::Elsewhere)
            .refuses(&[E::IdentityRefused, E::ProviderUnavailable, E::BadLinkToken]),
        _ => return None,
    })
}

/// What a part of a path may be.
pub(super) fn path_schema(id: &str, name: &str) -> Value {
    match (id, name) {
        ("getSend" | "redriveSend" | "getEnrollment", "id") | ("providerReport", "send") => {
            json!({"type": "string", "pattern": "^[0-9a-fA-F]{32}$"})
        }
        ("getDefinition", "kind") => {
            json!({"type": "string", "enum": Kind::ALL.map(Kind::word)})
        }
        _ => json!({"type": "string", "minLength": 1}),
    }
}

/// What a part of a path is.
pub(super) fn path_words(id: &str, name: &str) -> &'static str {
    match (id, name) {
        (_, "action") => "What is to be done.",
        (_, "kind") => "Kind of the document.",
        (_, "code") => "Code of the error (`CAD-2001`).",
        (_, "token") => "The token of the link.",
        (_, "secret") => "The secret of the link.",
        ("providerReport", "provider") => "Name of the provider: `twilio`.",
        ("providerReport", "channel") => "Name of the channel.",
        ("providerReport", _) => "Id of the send.",
        ("getSend" | "redriveSend", _) => "Id of the send.",
        ("getEnrollment", _) => "Id of the enrollment.",
        ("getCustomer" | "customerEnrollments" | "timeline" | "unsuppressCustomer", _) => {
            "Id of the customer."
        }
        ("rotateToken" | "revokeToken", _) => "Id of the token.",
        ("setRole" | "setPassword" | "deleteUser" | "disableUser" | "enableUser", _) => {
            "Name of the user."
        }
        ("getDefinition", _) => "Name of the document.",
        ("exportAudience" | "listMembers", _) => "Name of the audience.",
        _ if id.contains("Journey") || id.contains("Version") || id.contains("nroll") => {
            "Name of the journey."
        }
        _ => "Its name.",
    }
}
