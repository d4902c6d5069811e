//! The header `Idempotency-Key`: a POST of the API with a key that was used before is answered as
//! it was then, and not done again. The same key with anything else is an error.

use actix_web::body::{BoxBody, MessageBody, to_bytes};
use actix_web::dev::{Payload, ServiceRequest, ServiceResponse};
use actix_web::http::{Method, StatusCode, header};
use actix_web::middleware::Next;
use actix_web::{Error, HttpMessage as _, HttpResponse, web};
use futures_util::{StreamExt as _, stream};

use super::api::admin::ADMIN_BODY_BYTES_MAX;
use super::{Site, guard, respond};
use crate::access::operation::{self, Operation};
use crate::access::principal::{Principal, Who};
use crate::admin::{Begin, KeptAnswer};
use crate::error::{ErrorCode, Problem};

/// The header.
pub(super) const KEY_HEADER: &str = "Idempotency-Key";
/// What a key may be: visible letters, as many as a line takes.
pub(super) const KEY_PATTERN: &str = "^[!-~]{1,255}$";
const KEY_BYTES_MAX: usize = 255;
/// Says that an answer is that of an earlier request.
const REPLAYED: &str = "idempotency-replayed";
/// Operations whose answers show a secret, the only time that it is shown.
const SECRETIVE: [&str; 4] = ["createToken", "rotateToken", "createUser", "setPassword"];

/// Whether an operation takes a key.
pub(super) fn applies(operation: &Operation) -> bool {
    operation.method == "POST" && operation.path.starts_with("/api/v1/")
}

/// Does a request with a key once. Called for what is done to its end: a key that began is
/// finished, also if whoever asked goes.
pub(super) async fn once(
    mut request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<BoxBody>, Error> {
    let given = request.headers().get(KEY_HEADER).cloned();
    let site = request.app_data::<web::Data<Site>>().cloned();
    let (Some(given), Some(site), &Method::POST) = (given, site, request.method()) else {
        return Ok(next.call(request).await?.map_into_boxed_body());
    };
    let bytes = given.as_bytes();
    if bytes.is_empty() || bytes.len() > KEY_BYTES_MAX || !bytes.iter().all(u8::is_ascii_graphic) {
        let detail = format!("`{KEY_HEADER}`: it must have 1 to {KEY_BYTES_MAX} visible letters");
        return Ok(refused(request, &Problem::new(ErrorCode::BadParameter, detail)));
    }
    let body = match read(&mut request).await {
        Ok(body) => body,
        Err(problem) => return Ok(refused(request, &problem)),
    };
    let key = hash(&[whose(&request).as_bytes(), bytes]);
    let print = hash(&[request.uri().to_string().as_bytes(), &body]);
    match site.admin.requests.begin(key, print, site.admin.access.now()).await {
        Err(problem) => return Ok(refused(request, &problem)),
        Ok(Begin::Answer(answer)) => {
            let mut response = made(answer);
            response.headers_mut().insert(
                header::HeaderName::from_static(REPLAYED),
                header::HeaderValue::from_static("true"),
            );
            return Ok(request.into_response(response));
        }
        Ok(Begin::Do) => {}
    }
    let operation = guard::pattern(&request).and_then(|path| operation::find("POST", &path));
    let secret = operation.is_some_and(|one| SECRETIVE.contains(&one.id));
    let again = stream::once(async { Ok(body) }).boxed_local();
    request.set_payload(Payload::Stream { payload: again });
    let response = match next.call(request).await {
        Ok(response) => response.map_into_boxed_body(),
        Err(error) => {
            let status = error.as_response_error().status_code().as_u16();
            site.admin.requests.finish(key, KeptAnswer::bare(status), secret).await;
            return Err(error);
        }
    };
    let (request, response) = response.into_parts();
    let (head, body) = response.into_parts();
    let body = to_bytes(body).await.unwrap_or_default();
    let content_type = head.headers().get(header::CONTENT_TYPE);
    let content_type = content_type.and_then(|it| it.to_str().ok()).unwrap_or_default();
    let answer = KeptAnswer {
        status: head.status().as_u16(),
        content_type: content_type.to_owned(),
        body: body.to_vec(),
    };
    site.admin.requests.finish(key, answer, secret).await;
    Ok(ServiceResponse::new(request, head.set_body(BoxBody::new(body))))
}

fn refused(request: ServiceRequest, problem: &Problem) -> ServiceResponse<BoxBody> {
    request.into_response(respond::problem(problem))
}

fn made(answer: KeptAnswer) -> HttpResponse {
    let status = StatusCode::from_u16(answer.status).unwrap_or(StatusCode::OK);
    HttpResponse::build(status).content_type(answer.content_type).body(answer.body)
}

/// A key is good for whoever made it up.
fn whose(request: &ServiceRequest) -> String {
    let extensions = request.extensions();
    match extensions.get::<Principal>().map(|principal| &principal.who) {
        Some(Who::Owner(_)) | None => "owner".to_owned(),
        Some(Who::Token { id, .. }) => format!("token {id}"),
        Some(who) => who.to_string(),
    }
}

fn hash(parts: &[&[u8]]) -> [u8; 16] {
    domain::hash::parts(parts).to_le_bytes()
}

async fn read(request: &mut ServiceRequest) -> Result<web::Bytes, Box<Problem>> {
    let mut payload = request.take_payload();
    let mut body = web::BytesMut::new();
    while let Some(piece) = payload.next().await {
        let piece = piece
            .map_err(|error| Box::new(Problem::new(ErrorCode::MalformedBody, error.to_string())))?;
        if body.len() + piece.len() > ADMIN_BODY_BYTES_MAX {
            let detail = format!("at most {ADMIN_BODY_BYTES_MAX} bytes");
            return Err(Box::new(Problem::new(ErrorCode::PayloadTooLarge, detail)));
        }
        body.extend_from_slice(&piece);
    }
    Ok(body.freeze())
}
