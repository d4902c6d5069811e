//! What is begun is done to its end. A server drops a handler when its connection is reset; a
//! change that is durable by then would never become visible in memory, and the next one would be
//! made from what is not true any more.

use actix_web::Error;
use actix_web::dev::ServiceResponse;

/// Does the rest of a request on its own: whoever asked may go.
pub(super) async fn to_its_end<B: 'static>(
    rest: impl Future<Output = Result<ServiceResponse<B>, Error>> + 'static,
) -> Result<ServiceResponse<B>, Error> {
    match actix_web::rt::spawn(rest).await {
        Ok(answered) => answered,
        Err(_) => Err(actix_web::error::ErrorInternalServerError("the request ended")),
    }
}
