//! Whether somebody is at an address: asks for nothing that changes anything, hands nothing over.

use std::time::Duration;

use reqwest::Method;
use tokio::time::timeout;

use super::egress::{Egress, Target};
use super::exchange::failed;

/// How long the other side may take.
const ANSWER: Duration = Duration::from_secs(10);

/// Asks with `GET` or `HEAD`; the status of the answer, or why there is none. `path` stands for
/// that of the target, `login` is user name and password.
pub(crate) async fn look(
    egress: &Egress,
    method: Method,
    target: &Target,
    path: Option<&str>,
    login: Option<(&str, &str)>,
) -> Result<u16, String> {
    let mut url = target.url.clone();
    if let Some(path) = path {
        url.set_path(path);
        url.set_query(None);
    }
    let mut request = egress.client(target).request(method, url);
    if let Some((user, password)) = login {
        request = request.basic_auth(user, Some(password));
    }
    match timeout(ANSWER, request.send()).await {
        Ok(Ok(response)) => Ok(response.status().as_u16()),
        Ok(Err(error)) => Err(failed(&error, target, false, false).reason),
        Err(_) => {
            let host = target.url.host_str().unwrap_or_default();
            Err(format!("{host}: no answer within {} seconds", ANSWER.as_secs()))
        }
    }
}
