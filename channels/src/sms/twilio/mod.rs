//! The `twilio` provider: text messages by Twilio's Messages API.
//!
//! Called through [`Channel`] by the channel actors. Twilio knows no key that makes a repeat
//! harmless: whatever was given away and not answered stays unknown, and a broken answer counts as
//! none. Source: twilio.com/docs/messaging/api/message-resource.

mod classify;
mod reports;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use domain::channel::is_e164;
use domain::channel::sms::{Sender, Sms as Settings};
use domain::ids::SendId;
use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use reqwest::Method;
use reqwest::header::{ACCEPT, CONTENT_TYPE, HeaderMap, HeaderValue};
use tokio::sync::Semaphore;
use url::form_urlencoded;

use super::Sms;
use super::segments::Segments;
use crate::channel::{Attempt, Channel, Content, Outcome, Phase, Retry};
use crate::http::{Egress, LATE, Refused, Request, Target, Timeouts, exchange, look};
use crate::report::{Callback, CallbackError, Report};

/// How long Twilio may take: its own limit for a request is 15 seconds, and a wait that is too
/// short makes messages unknown.
const TIMEOUTS: Timeouts =
    Timeouts { hand_over: Duration::from_secs(10), answer: Duration::from_secs(30) };

/// The provider.
pub struct Twilio {
    settings: Settings,
    password: String,
    target: Target,
    egress: Egress,
    timeouts: Timeouts,
    reports: Option<Reports>,
    /// Backs the promise of [`Channel::slots`], should a caller start more.
    in_use: Semaphore,
}

/// Where Twilio is to report, and what it signs that with.
struct Reports {
    /// The address, without the send at its end.
    base: String,
    auth_token: String,
}

impl Reports {
    fn url(&self, send: SendId) -> String {
        format!("{}/{send}", self.base)
    }
}

impl fmt::Debug for Twilio {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Twilio").field("settings", &self.settings).finish_non_exhaustive()
    }
}

/// Settings that cannot work.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SettingsError {
    /// The address of the API is refused.
    #[error("base_url: {0}")]
    BaseUrl(#[from] Refused),
    /// The password would be readable on the network.
    #[error("base_url: a password would cross the network in the clear: use `https`")]
    InTheClear,
    /// The file with the password has no password.
    #[error("the file with the password is empty, or has more than one line")]
    Password,
}

impl Twilio {
    /// A provider for an account. Its requests go out through `egress`.
    ///
    /// # Errors
    /// Where the settings cannot work, or would show the password to the network.
    pub fn new(settings: Settings, password: &str, egress: Egress) -> Result<Self, SettingsError> {
        let twilio = &settings.twilio;
        let path = format!("/2010-04-01/Accounts/{}/Messages.json", twilio.account_sid);
        let target = egress.target(&format!("{}{path}", twilio.base_url))?;
        if !target.is_allowed && !twilio.base_url.starts_with("https://") {
            return Err(SettingsError::InTheClear);
        }
        let password = secret(password)?;
        let in_use = Semaphore::new(usize::from(twilio.slots));
        let (timeouts, reports) = (TIMEOUTS, None);
        Ok(Self { settings, password, target, egress, timeouts, reports, in_use })
    }

    /// The same, with reports to this address and the send at its end. Twilio signs them with the
    /// account's auth token.
    ///
    /// # Errors
    /// Where the text is no token.
    pub fn with_reports(self, base: &str, auth_token: &str) -> Result<Self, SettingsError> {
        let reports = Reports { base: base.to_owned(), auth_token: secret(auth_token)? };
        Ok(Self { reports: Some(reports), ..self })
    }

    /// The same with other times.
    #[must_use]
    pub fn with_timeouts(self, timeouts: Timeouts) -> Self {
        Self { timeouts, ..self }
    }

    async fn run(&self, attempt: Attempt) -> Outcome {
        let Content::Sms(sms) = &attempt.message.content else {
            return rejected("this channel sends text messages only");
        };
        let segments = Segments::of(&sms.text);
        if let Some(refusal) = self.refusal(&attempt.message.to.address, segments) {
            return refusal;
        }
        let left = u64::try_from(attempt.deadline.ms_since(attempt.now)).unwrap_or(0);
        let left = Duration::from_millis(left);
        if left.is_zero() {
            return late();
        }
        let twilio = &self.settings.twilio;
        let request = Request {
            target: &self.target,
            headers: headers(),
            login: Some((&twilio.user, &self.password)),
            body: self.form(&attempt.message.to.address, sms, attempt.send).into_bytes(),
            slots: &self.in_use,
        };
        let permit = Arc::from(attempt.permit);
        match exchange(&self.egress, request, permit, left, self.timeouts).await {
            Ok(answer) => classify::outcome(&answer, segments),
            Err(failed) => failed.into(),
        }
    }

    /// Whether the account is there and takes the password.
    async fn look(&self) -> Result<String, String> {
        let twilio = &self.settings.twilio;
        let path = format!("/2010-04-01/Accounts/{}.json", twilio.account_sid);
        let login = Some((twilio.user.as_str(), self.password.as_str()));
        match look(&self.egress, Method::GET, &self.target, Some(&path), login).await? {
            200..=299 => Ok("the account answers and takes the password".to_owned()),
            401 | 403 => Err("the user or its password is not taken".to_owned()),
            404 => Err("there is no such account".to_owned()),
            status => Err(format!("the API answered {status}")),
        }
    }

    /// Why a message is not even tried.
    fn refusal(&self, to: &str, segments: Segments) -> Option<Outcome> {
        if !is_e164(to) {
            return Some(rejected("the number is not in E.164"));
        }
        let max = self.settings.max_segments;
        match segments.count {
            0 => Some(rejected("the message is empty")),
            count if count > usize::from(max) => {
                let reason = format!("the message takes {segments}, the channel allows {max}");
                Some(rejected(&reason))
            }
            _ => None,
        }
    }

    fn form(&self, to: &str, sms: &Sms, send: SendId) -> String {
        let twilio = &self.settings.twilio;
        let mut form = form_urlencoded::Serializer::new(String::new());
        form.append_pair("To", to);
        match &twilio.sender {
            Sender::From(from) => form.append_pair("From", from),
            Sender::MessagingService(sid) => form.append_pair("MessagingServiceSid", sid),
        };
        form.append_pair("Body", &sms.text);
        let ours = || self.reports.as_ref().map(|reports| reports.url(send));
        if let Some(url) = twilio.status_callback.clone().or_else(ours) {
            form.append_pair("StatusCallback", &url);
        }
        form.finish()
    }
}

/// The one line of a file with a secret.
fn secret(text: &str) -> Result<String, SettingsError> {
    let text = text.trim_end();
    if text.is_empty() || text.contains(char::is_control) {
        return Err(SettingsError::Password);
    }
    Ok(text.to_owned())
}

fn headers() -> HeaderMap {
    HeaderMap::from_iter([
        (CONTENT_TYPE, HeaderValue::from_static("application/x-www-form-urlencoded")),
        (ACCEPT, HeaderValue::from_static("application/json")),
    ])
}

fn rejected(reason: &str) -> Outcome {
    Outcome::Rejected { code: None, enhanced: None, reason: reason.to_owned(), suppress: None }
}

fn late() -> Outcome {
    Outcome::NotSent {
        reason: LATE.to_owned(),
        phase: Phase::Connect,
        retry: Retry::Expired,
        retry_after_ms: None,
    }
}

impl Channel for Twilio {
    fn name(&self) -> &'static str {
        "twilio"
    }

    fn slots(&self) -> usize {
        usize::from(self.settings.twilio.slots)
    }

    fn attempt(&self, attempt: Attempt) -> BoxFuture<'_, Outcome> {
        self.run(attempt).boxed()
    }

    fn probe(&self) -> BoxFuture<'_, Result<String, String>> {
        self.look().boxed()
    }

    fn report(&self, callback: &Callback<'_>) -> Result<Report, CallbackError> {
        let reports = self.reports.as_ref().ok_or(CallbackError::NotTaken)?;
        let account = &self.settings.twilio.account_sid;
        reports::read(callback, &reports.url(callback.send), account, &reports.auth_token)
    }
}
