//! What providers call back with: `POST /hooks/PROVIDER/CHANNEL/SEND`. Whether it is the provider,
//! its own file says.

use actix_web::{HttpRequest, HttpResponse, post, web};
use channels::Callback;
use domain::ids::ChannelName;

use super::sends;
use crate::error::{ErrorCode, Problem};
use crate::web::raw::Raw;
use crate::web::{Site, respond};

/// Longest body: Twilio's have less than one kilobyte.
const BODY_BYTES_MAX: usize = 16 * 1024;

/// Takes a report in; the answer says that it is durable, and has no body: Twilio would read one.
#[post("/hooks/{provider}/{channel}/{send}")]
pub(crate) async fn report(
    site: web::Data<Site>,
    request: HttpRequest,
    path: web::Path<(String, String, String)>,
    Raw(body): Raw,
) -> HttpResponse {
    let (provider, channel, send) = path.into_inner();
    if body.len() > BODY_BYTES_MAX {
        let detail = format!("a report has at most {BODY_BYTES_MAX} bytes");
        return respond::problem(&Problem::new(ErrorCode::PayloadTooLarge, detail));
    }
    let header = |name: &str| {
        let value = request.headers().get(name)?;
        value.to_str().ok().map(str::to_owned)
    };
    let send = match sends::id(&send) {
        Ok(send) => send,
        Err(refusal) => return respond::problem(&refusal),
    };
    let callback = Callback { send, header: &header, body: &body };
    match site.admin.report(&provider, &ChannelName::from(channel), &callback).await {
        Ok(()) => HttpResponse::NoContent().finish(),
        Err(refusal) => respond::problem(&refusal),
    }
}
