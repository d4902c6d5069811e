//! Channels of text messages.
//!
//! ```yaml
//! apiVersion: cadencia/v1
//! kind: Channel
//! metadata: {name: sms}
//! spec:
//!   address: phone                      # the trait with the number, in E.164; the default
//!   rate: {limit: 10, per: PT1S}
//!   sms:
//!     max_segments: 3                   # longer messages do not go
//!     twilio:
//!       account_sid: AC00000000000000000000000000000000
//!       auth_token_file: /etc/cadencia/twilio-token
//!       from: "+34911234567"            # or messaging_service: MG...
//! ```

use schemars::JsonSchema;
use serde::Deserialize;

use super::{SLOTS_DEFAULT, SLOTS_MAX, alone};
use crate::check::Check;
use crate::problem::{Path, Problem};

/// The trait with the number, if a channel does not say.
pub const PHONE_DEFAULT: &str = "phone";
/// Longest message, in segments, if a channel does not say; no channel takes more. Twilio refuses
/// messages of more than 1600 characters, which are ten segments or eleven.
pub const SEGMENTS_MAX: u8 = 10;
/// Where Twilio's API is, if a channel does not say.
pub const TWILIO_URL_DEFAULT: &str = "https://api.twilio.com";

/// Text messages.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sms {
    /// Longest message, in segments.
    pub max_segments: u8,
    /// Who sends them.
    pub twilio: Twilio,
}

/// An account with Twilio.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Twilio {
    /// The account.
    pub account_sid: String,
    /// Who signs in: the account, or an API key.
    pub user: String,
    /// File with the password that goes with it.
    pub password_file: String,
    /// File with the account's auth token, which Twilio signs its reports with.
    pub auth_token_file: Option<String>,
    /// The sender.
    pub sender: Sender,
    /// Where else than here Twilio reports what became of a message.
    pub status_callback: Option<String>,
    /// Scheme and host of the API, without a slash at the end.
    pub base_url: String,
    /// Requests at the same time.
    pub slots: u16,
}

/// Whom messages come from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Sender {
    /// A number, a short code or a name.
    From(String),
    /// Twilio chooses one of a messaging service.
    MessagingService(String),
}

/// Text messages, by exactly one provider.
#[derive(Clone, Debug, Deserialize, JsonSchema, garde::Validate)]
#[serde(deny_unknown_fields)]
#[garde(allow_unvalidated)]
pub struct RawSms {
    /// Longest message, in segments; longer ones do not go. Default: 10.
    #[garde(range(min = 1, max = SEGMENTS_MAX))]
    pub max_segments: Option<u8>,
    /// Sends by Twilio.
    pub twilio: RawTwilio,
}

/// An account with Twilio. Exactly one of `from` and `messaging_service`.
#[derive(Clone, Debug, Deserialize, JsonSchema, garde::Validate)]
#[serde(deny_unknown_fields)]
#[garde(allow_unvalidated)]
#[schemars(extend("oneOf" = [{"required": ["from"]}, {"required": ["messaging_service"]}]))]
pub struct RawTwilio {
    /// The account (`AC...`).
    pub account_sid: String,
    /// File with the account's auth token. It signs in, unless there is an API key, and proves that
    /// reports of what became of a message are Twilio's.
    pub auth_token_file: Option<String>,
    /// An API key (`SK...`) to sign in with, in place of the auth token.
    pub api_key: Option<String>,
    /// File with the secret of `api_key`.
    pub api_key_secret_file: Option<String>,
    /// Sender: a number in E.164, a short code or a name of at most 11 characters.
    pub from: Option<String>,
    /// Lets Twilio choose a sender of this messaging service (`MG...`).
    pub messaging_service: Option<String>,
    /// Where Twilio reports what became of a message, in place of this server. Without it reports
    /// come here, if `public_url` is set and there is an auth token.
    pub status_callback: Option<String>,
    /// Scheme and host of the API. Default: `https://api.twilio.com`.
    pub base_url: Option<String>,
    /// Requests at the same time. Default: 8.
    #[garde(range(min = 1, max = SLOTS_MAX))]
    pub slots: Option<u16>,
}

/// Whether a text is a telephone number as ITU-T E.164 writes it for the whole world: `+`, a
/// country code that does not start with 0, and at most 15 digits in all.
pub fn is_e164(text: &str) -> bool {
    let Some(digits) = text.strip_prefix('+') else { return false };
    (2..=15).contains(&digits.len())
        && !digits.starts_with('0')
        && digits.bytes().all(|byte| byte.is_ascii_digit())
}

/// Validates text messages whose settings stand at `path`.
pub(super) fn sms(raw: &RawSms, path: &Path, check: &mut Check<'_>) -> Option<Sms> {
    check.limits(raw, path);
    let twilio = twilio(&raw.twilio, &path.key("twilio"), check)?;
    Some(Sms { max_segments: raw.max_segments.unwrap_or(SEGMENTS_MAX), twilio })
}

fn twilio(raw: &RawTwilio, path: &Path, check: &mut Check<'_>) -> Option<Twilio> {
    check.limits(raw, path);
    sid(&raw.account_sid, "AC", &path.key("account_sid"), check);
    let login = login(raw, path, check);
    let sender = sender(raw, path, check);
    for (url, key) in [(&raw.base_url, "base_url"), (&raw.status_callback, "status_callback")] {
        if url.as_deref().is_some_and(|url| !is_web_address(url)) {
            let problem = Problem::new(path.key(key), "not the address of a web server");
            check.problem(problem.suggest(format!("write it like `{TWILIO_URL_DEFAULT}`")));
        }
    }
    let (user, password_file) = login?;
    let base_url = raw.base_url.as_deref().unwrap_or(TWILIO_URL_DEFAULT);
    Some(Twilio {
        account_sid: raw.account_sid.clone(),
        user,
        password_file,
        auth_token_file: raw.auth_token_file.clone(),
        sender: sender?,
        status_callback: raw.status_callback.clone(),
        base_url: base_url.trim_end_matches('/').to_owned(),
        slots: raw.slots.unwrap_or(SLOTS_DEFAULT),
    })
}

/// User name and the file with the password.
fn login(raw: &RawTwilio, path: &Path, check: &mut Check<'_>) -> Option<(String, String)> {
    if let Some(key) = &raw.api_key {
        sid(key, "SK", &path.key("api_key"), check);
    }
    match (&raw.auth_token_file, &raw.api_key, &raw.api_key_secret_file) {
        (Some(file), None, None) => Some((raw.account_sid.clone(), file.clone())),
        (_, Some(key), Some(file)) => Some((key.clone(), file.clone())),
        (_, Some(_), None) => alone("api_key", "api_key_secret_file", path, check),
        (_, None, Some(_)) => alone("api_key_secret_file", "api_key", path, check),
        (None, None, None) => {
            let problem = Problem::new(path.clone(), "`twilio` needs `auth_token_file`");
            check.problem(problem.on_key().suggest("or `api_key` with `api_key_secret_file`"));
            None
        }
    }
}

fn sender(raw: &RawTwilio, path: &Path, check: &mut Check<'_>) -> Option<Sender> {
    match (&raw.from, &raw.messaging_service) {
        (Some(from), None) => {
            if !is_sender(from) {
                let message = format!("`{from}` is not a sender of text messages");
                let problem = Problem::new(path.key("from"), message);
                check.problem(problem.suggest("write a number like \"+34911234567\""));
            }
            Some(Sender::From(from.clone()))
        }
        (None, Some(service)) => {
            sid(service, "MG", &path.key("messaging_service"), check);
            Some(Sender::MessagingService(service.clone()))
        }
        (Some(_), Some(_)) => {
            let message = "`messaging_service` cannot stand beside `from`";
            let problem = Problem::new(path.key("messaging_service"), message);
            check.problem(problem.on_key().suggest("keep one of them"));
            None
        }
        (None, None) => {
            let message = "`twilio` needs a sender: `from` or `messaging_service`";
            check.problem(Problem::new(path.clone(), message).on_key());
            None
        }
    }
}

/// A number, a short code of 3 to 8 digits, or a name: at most 11 letters, digits and blanks with a
/// letter among them (twilio.com/docs/glossary/what-alphanumeric-sender-id).
fn is_sender(text: &str) -> bool {
    let is_code = (3..=8).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit());
    let is_name = text.len() <= 11
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b' ')
        && text.bytes().any(|byte| byte.is_ascii_alphabetic());
    is_e164(text) || is_code || is_name
}

/// An id of Twilio's: two letters that say what it is, and 32 hexadecimal digits.
fn sid(text: &str, kind: &str, path: &Path, check: &mut Check<'_>) {
    let fits = text
        .strip_prefix(kind)
        .is_some_and(|rest| rest.len() == 32 && rest.bytes().all(|it| it.is_ascii_hexdigit()));
    if !fits {
        let message = format!("an id of this kind is `{kind}` and 32 hexadecimal digits");
        check.wrong(path, message);
    }
}

/// Scheme, host and perhaps a path; whether it may be asked is the egress guard's to say.
pub(super) fn is_web_address(text: &str) -> bool {
    let rest = text.strip_prefix("https://").or(text.strip_prefix("http://"));
    let odd = |char: char| char.is_whitespace() || char.is_control() || "\\#@<>\"".contains(char);
    rest.is_some_and(|rest| {
        let host = rest.split(['/', '?', ':']).next().unwrap_or_default();
        (!host.is_empty() || rest.starts_with("[")) && !rest.contains(odd)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_those_of_the_whole_world() {
        for good in ["+34600123456", "+12", "+123456789012345"] {
            assert!(is_e164(good), "{good}");
        }
        for bad in [
            "",
            "+",
            "+1",
            "34600123456",
            "+034600123456",
            "+34 600 123 456",
            "+1234567890123456",
            "+34600l23456",
            "0034600123456",
            "+٣٤٦٠٠١٢٣",
        ] {
            assert!(!is_e164(bad), "{bad}");
        }
    }

    #[test]
    fn senders_are_numbers_codes_or_names() {
        for good in ["+34911234567", "12345", "Shop", "Shop 24", "24h"] {
            assert!(is_sender(good), "{good}");
        }
        for bad in ["", "12", "911234567", "A shop with a long name", "Sh-op", "   "] {
            assert!(!is_sender(bad), "{bad}");
        }
    }

    #[test]
    fn web_addresses_have_a_scheme_and_a_host() {
        for good in ["https://a.example", "http://127.0.0.1:8080/x?y=z", "http://[::1]:80/"] {
            assert!(is_web_address(good), "{good}");
        }
        for bad in
            ["a.example", "ftp://a.example", "https://", "https:///x", "http://a b", "http://u@h"]
        {
            assert!(!is_web_address(bad), "{bad}");
        }
    }
}
