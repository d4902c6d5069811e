//! Status callbacks of Twilio: proof that they are Twilio's, and what they mean. Pure.
//!
//! Sources: twilio.com/docs/usage/security (signatures),
//! twilio.com/docs/messaging/guides/track-outbound-message-status (parameters and states).

use std::collections::{BTreeMap, BTreeSet};

use aws_lc_rs::hmac;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use url::{Url, form_urlencoded};

use super::classify::{cut, stops_number};
use crate::report::{Callback, CallbackError, Report, Said};

/// The header with the signature.
const SIGNATURE: &str = "X-Twilio-Signature";

/// Parameters by name; one that is repeated has several values.
type Parameters = BTreeMap<String, BTreeSet<String>>;

/// What a callback of an account at an address says, if the token of that account signed it.
pub(super) fn read(
    callback: &Callback<'_>,
    url: &str,
    account_sid: &str,
    auth_token: &str,
) -> Result<Report, CallbackError> {
    let mut parameters = Parameters::new();
    for (name, value) in form_urlencoded::parse(callback.body) {
        parameters.entry(name.into_owned()).or_default().insert(value.into_owned());
    }
    let signature = (callback.header)(SIGNATURE).ok_or(CallbackError::Unsigned)?;
    let signature = STANDARD.decode(signature).map_err(|_| CallbackError::Unsigned)?;
    let key = hmac::Key::new(hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, auth_token.as_bytes());
    let signs = |url: &String| {
        let signed = signed(url, &parameters);
        hmac::verify(&key, signed.as_bytes(), &signature).is_ok()
    };
    if !spellings(url).iter().any(signs) {
        return Err(CallbackError::Unsigned);
    }
    let value = |name: &str| {
        parameters.get(name).and_then(BTreeSet::first).map(String::as_str).unwrap_or_default()
    };
    if value("AccountSid") != account_sid {
        return Err(CallbackError::Malformed("it is about another account".to_owned()));
    }
    let status = [value("MessageStatus"), value("SmsStatus")].into_iter().find(|it| !it.is_empty());
    let status = status.ok_or_else(|| missing("MessageStatus"))?;
    let code = value("ErrorCode").parse::<u32>().ok();
    let said = match status {
        "queued" | "accepted" | "scheduled" | "sending" | "sent" => Said::Taken,
        "delivered" | "read" => Said::Delivered,
        "undelivered" | "failed" | "canceled" => {
            let to = Some(value("To")).filter(|to| !to.is_empty());
            let to = to.map(str::to_owned);
            Said::Failed { suppress: to.zip(code.and_then(stops_number)) }
        }
        other => {
            let message = format!("`{}` is not a status that is known here", cut(other));
            return Err(CallbackError::Malformed(message));
        }
    };
    let sid = value("MessageSid");
    let code = code.map(|code| format!("; error {code}")).unwrap_or_default();
    let reason = format!("{} {}{code}", cut(sid), cut(status));
    Ok(Report { send: callback.send, said, reason: reason.trim_start().to_owned() })
}

fn missing(name: &str) -> CallbackError {
    CallbackError::Malformed(format!("the parameter `{name}` is missing"))
}

/// The text that is signed: the address, then each name with its value, in the order of names.
fn signed(url: &str, parameters: &Parameters) -> String {
    let mut signed = url.to_owned();
    for (name, values) in parameters {
        for value in values {
            signed.push_str(name);
            signed.push_str(value);
        }
    }
    signed
}

/// The address as it is, with its port and without: Twilio leaves the port out at times, and at
/// times adds it.
fn spellings(url: &str) -> Vec<String> {
    let mut all = vec![url.to_owned()];
    if let Ok(parsed) = Url::parse(url) {
        let host = parsed.host_str().unwrap_or_default();
        let rest = &parsed[url::Position::BeforePath..];
        all.push(format!("{}://{host}{rest}", parsed.scheme()));
        let port = parsed.port_or_known_default().unwrap_or_default();
        all.push(format!("{}://{host}:{port}{rest}", parsed.scheme()));
    }
    all
}

#[cfg(test)]
mod tests {
    use domain::ids::SendId;

    use domain::suppression::StopReason;

    use super::*;

    const ACCOUNT: &str = "AC0123456789abcdef0123456789abcdef";
    const URL: &str = "https://shop.example/hooks/twilio/sms/1";

    fn sign(url: &str, body: &str, token: &str) -> String {
        let mut parameters = Parameters::new();
        for (name, value) in form_urlencoded::parse(body.as_bytes()) {
            parameters.entry(name.into_owned()).or_default().insert(value.into_owned());
        }
        let key = hmac::Key::new(hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, token.as_bytes());
        STANDARD.encode(hmac::sign(&key, signed(url, &parameters).as_bytes()))
    }

    fn read_signed(body: &str, signature: Option<String>) -> Result<Report, CallbackError> {
        let header = |name: &str| signature.clone().filter(|_| name == SIGNATURE);
        let (send, body) = (SendId(1), body.as_bytes());
        read(&Callback { send, header: &header, body }, URL, ACCOUNT, "12345")
    }

    fn body(status: &str, more: &str) -> String {
        format!("AccountSid={ACCOUNT}&MessageSid=SM1&MessageStatus={status}&To=%2B34600{more}")
    }

    #[test]
    fn the_example_of_the_documentation_has_its_signature() {
        // The worked example of twilio.com/docs/usage/security.
        let url = "https://mycompany.com/myapp.php?foo=1&bar=2";
        let body = "CallSid=CA1234567890ABCDE&Caller=%2B14158675309&Digits=1234\
                    &From=%2B14158675309&To=%2B18005551212";
        assert_eq!(sign(url, body, "12345"), "RSOYDt4T1cUTdK1PDd93/VVr8B8=");
    }

    #[test]
    fn states_say_what_became_of_it() {
        let failed = |stop: Option<StopReason>| Said::Failed {
            suppress: stop.map(|why| ("+34600".to_owned(), why)),
        };
        for (status, more, said, reason) in [
            ("queued", "", Said::Taken, "SM1 queued"),
            ("sent", "", Said::Taken, "SM1 sent"),
            ("delivered", "", Said::Delivered, "SM1 delivered"),
            ("read", "", Said::Delivered, "SM1 read"),
            ("undelivered", "&ErrorCode=30003", failed(None), "SM1 undelivered; error 30003"),
            (
                "undelivered",
                "&ErrorCode=30005",
                failed(Some(StopReason::HardBounce)),
                "SM1 undelivered; error 30005",
            ),
            (
                "failed",
                "&ErrorCode=21610",
                failed(Some(StopReason::OptedOut)),
                "SM1 failed; error 21610",
            ),
            ("failed", "", failed(None), "SM1 failed"),
            ("canceled", "", failed(None), "SM1 canceled"),
        ] {
            let body = body(status, more);
            let report = read_signed(&body, Some(sign(URL, &body, "12345"))).expect(status);
            assert_eq!((report.said, report.reason.as_str()), (said, reason));
        }
    }

    #[test]
    fn only_the_accounts_own_signature_counts() {
        let good = body("delivered", "");
        let with_port = URL.replace("example/", "example:443/");
        for url in [URL, with_port.as_str()] {
            assert!(read_signed(&good, Some(sign(url, &good, "12345"))).is_ok(), "{url}");
        }
        let other_url = URL.replace("/1", "/2");
        let other_body = body("failed", "");
        for signature in [
            None,
            Some(String::new()),
            Some("é".to_owned()),
            Some("RSOYDt4T1cUTdK1PDd93/VVr8B8=".to_owned()),
            Some(sign(URL, &good, "12346")),
            Some(sign(&other_url, &good, "12345")),
            Some(sign(URL, &other_body, "12345")),
        ] {
            let read = read_signed(&good, signature.clone());
            assert_eq!(read, Err(CallbackError::Unsigned), "{signature:?}");
        }
    }

    #[test]
    fn signed_nonsense_is_told() {
        for (body, told) in [
            ("AccountSid=AC1&MessageStatus=sent", "it is about another account"),
            (&format!("AccountSid={ACCOUNT}"), "the parameter `MessageStatus` is missing"),
            (&body("lost%0A", ""), "`lost ` is not a status that is known here"),
        ] {
            let error = read_signed(body, Some(sign(URL, body, "12345"))).expect_err(body);
            assert_eq!(error.to_string(), told);
        }
    }
}
