//! Sends: listing them, looking at one, sending one again.

use actix_web::{HttpResponse, get, post, web};
use domain::ids::{ChannelName, CustomerId, JourneyName, SendId};
use domain::time::Instant;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::admin::answer;
use super::cursor::List;
use crate::access::principal::Principal;
use crate::admin::Refusal;
use crate::error::{ErrorCode, Problem};
use crate::sends::{Filter, SENDS_MAX, SendLine, State};
use crate::web::Site;

/// Sends of a page, if nobody says how many.
const SENDS_DEFAULT: usize = 50;
/// Digits of such an id.
const ID_DIGITS: usize = 32;

/// Routes below `/api/v1`.
pub(super) fn configure(config: &mut web::ServiceConfig) {
    config.service(list_sends).service(show_send).service(redrive_send);
}

/// Which sends are wanted.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct SendsQuery {
    /// In one of these states, separated by commas.
    #[schemars(extend("pattern" = states_pattern()))]
    state: Option<String>,
    /// Held or refused by the rule of this name, or by one of this kind.
    rule: Option<String>,
    /// On this channel.
    channel: Option<String>,
    /// Of this journey.
    journey: Option<String>,
    /// To this customer.
    customer: Option<String>,
    /// Decided at this instant (RFC 3339) or later.
    #[schemars(extend("format" = "date-time"))]
    from: Option<String>,
    /// Decided before this instant (RFC 3339).
    #[schemars(extend("format" = "date-time"))]
    until: Option<String>,
    /// Most sends of the page.
    #[schemars(range(min = 1, max = SENDS_MAX))]
    limit: Option<usize>,
    /// `next_cursor` of the page before.
    cursor: Option<String>,
}

/// What a list of states is.
fn states_pattern() -> String {
    let one = State::ALL.map(State::word).join("|");
    format!("^({one})(,({one}))*$")
}

/// One page of sends.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub(crate) struct SendsPage {
    /// The sends, newest first.
    pub(crate) items: Vec<SendLine>,
    /// Where the next page begins; null if there is nothing more. A page may be short and still
    /// have one: looking through many decisions ends after a while.
    pub(crate) next_cursor: Option<String>,
    /// How far back was looked, where there is more.
    pub(crate) looked_back_to: Option<String>,
}

/// A refusal of one parameter.
pub(super) fn bad(name: &str, why: impl std::fmt::Display) -> Refusal {
    Box::new(Problem::new(ErrorCode::BadParameter, format!("`{name}`: {why}")))
}

/// An instant of a query.
pub(super) fn instant(name: &str, text: Option<&str>) -> Result<Option<Instant>, Refusal> {
    let parse = |text| Instant::parse(text).ok_or_else(|| bad(name, "it is not RFC 3339"));
    text.map(parse).transpose()
}

/// How many items a page may have.
pub(super) fn limit(wanted: Option<usize>, default: usize, most: usize) -> Result<usize, Refusal> {
    bounded("limit", wanted, default, most)
}

/// A count of a query.
pub(super) fn bounded(
    name: &str,
    wanted: Option<usize>,
    default: usize,
    most: usize,
) -> Result<usize, Refusal> {
    match wanted {
        None => Ok(default),
        Some(wanted) if (1..=most).contains(&wanted) => Ok(wanted),
        Some(_) => Err(bad(name, format!("it must be 1 to {most}"))),
    }
}

impl SendsQuery {
    fn filter(&self) -> Result<Filter, Refusal> {
        let known = || State::ALL.map(State::word).join(", ");
        let state = |word: &str| {
            State::of_word(word).ok_or_else(|| bad("state", format!("it is one of {}", known())))
        };
        let states = self.state.iter().flat_map(|all| all.split(',')).map(state);
        let mut states = states.collect::<Result<Vec<State>, _>>()?;
        states.sort_unstable();
        states.dedup();
        Ok(Filter {
            states,
            rule: self.rule.clone(),
            channel: self.channel.as_deref().map(ChannelName::from),
            journey: self.journey.as_deref().map(JourneyName::from),
            customer: self.customer.as_deref().map(CustomerId::from),
            from: instant("from", self.from.as_deref())?,
            until: instant("until", self.until.as_deref())?,
        })
    }
}

#[get("/sends")]
async fn list_sends(
    site: web::Data<Site>,
    by: web::ReqData<Principal>,
    query: web::Query<SendsQuery>,
) -> HttpResponse {
    answer(page(&site, &by, &query).await)
}

async fn page(site: &Site, by: &Principal, query: &SendsQuery) -> Result<SendsPage, Refusal> {
    let filter = query.filter()?;
    let limit = limit(query.limit, SENDS_DEFAULT, SENDS_MAX)?;
    let list = List::new("sends", &filter);
    let before = list.place(query.cursor.as_deref())?;
    let found = site.admin.sends(filter, before, limit, by).await?;
    Ok(SendsPage {
        items: found.lines,
        looked_back_to: found.next.as_ref().map(|next| next.instant().to_string()),
        next_cursor: found.next.map(|next| list.cursor(&next)),
    })
}

/// The digits of an id of a send or an enrollment as a path has it.
pub(super) fn digits(text: &str) -> Option<&str> {
    let all = text.len() == ID_DIGITS && text.bytes().all(|byte| byte.is_ascii_hexdigit());
    all.then_some(text)
}

/// The id of a send as a path has it.
pub(crate) fn id(text: &str) -> Result<SendId, Refusal> {
    digits(text).and_then(|text| text.parse().ok()).ok_or_else(|| {
        let detail = format!("`{text}` is no id of a send: {ID_DIGITS} hexadecimal digits");
        Box::new(Problem::new(ErrorCode::SendUnknown, detail))
    })
}

#[get("/sends/{id}")]
async fn show_send(
    site: web::Data<Site>,
    by: web::ReqData<Principal>,
    path: web::Path<String>,
) -> HttpResponse {
    match id(&path) {
        Ok(id) => answer(site.admin.send(id, &by).await),
        Err(refusal) => answer::<()>(Err(refusal)),
    }
}

/// How a message is sent again.
#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct RedriveOrder {
    /// Also if it may have arrived, so that the customer may get it twice.
    #[serde(default)]
    pub(crate) even_if_it_may_have_arrived: bool,
}

#[post("/sends/{id}/redrive")]
async fn redrive_send(
    site: web::Data<Site>,
    by: web::ReqData<Principal>,
    path: web::Path<String>,
    order: web::Json<RedriveOrder>,
) -> HttpResponse {
    match id(&path) {
        Ok(id) => answer(site.admin.redrive(id, order.even_if_it_may_have_arrived, &by).await),
        Err(refusal) => answer::<()>(Err(refusal)),
    }
}
