//! What an answer of Twilio means for the message and for the number. Pure.
//!
//! Source of the codes: twilio.com/docs/api/errors. Only a 429 and a refusal by Twilio's own words
//! are surely not processed; a 5xx may have been.

use domain::suppression::StopReason;
use serde::Deserialize;

use crate::channel::{Outcome, Phase, Retry};
use crate::http::Answer;
use crate::sms::segments::Segments;

/// Longest piece of an answer that is quoted, in characters.
const QUOTED_CHARS_MAX: usize = 200;

/// The fields of Twilio's answers that we read: of a message, and of an error.
#[derive(Debug, Default, Deserialize)]
struct Body {
    sid: Option<String>,
    /// `queued`, `accepted`, ... in a message; a number in an error.
    status: Option<serde_json::Value>,
    error_code: Option<u32>,
    error_message: Option<String>,
    code: Option<u32>,
    message: Option<String>,
}

/// What an error means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Meaning {
    /// The number takes no message of ours, now or later.
    Suppress(StopReason),
    /// This message will not be taken; the next one may.
    Reject,
    /// The same later.
    Later,
    /// The account or the sender is not set up for it.
    Configuration,
}

fn meaning(code: u32) -> Meaning {
    match code {
        // No telephone number, no mobile; the handset is not known, a landline.
        21211 | 21614 | 30005 | 30006 => Meaning::Suppress(StopReason::HardBounce),
        // She texted `STOP`. Twilio takes messages again once she texts `START`.
        21610 => Meaning::Suppress(StopReason::OptedOut),
        // Too many requests, too many messages in the queue of a sender, congestion.
        14107 | 20429 | 21611 | 30001 | 30017 | 30022 => Meaning::Later,
        // Credentials; account; sender; messaging service; registration of the sender.
        20003
        | 20005
        | 20006
        | 20404
        | 21212
        | 21603
        | 21606
        | 21659..=21661
        | 21701..=21705
        | 30002
        | 30034 => Meaning::Configuration,
        // Among them 21408 (the country is not switched on), 21612 (no way there), 21617 (too
        // long), and of those that come with a status 30003, 30004, 30007 and 30008.
        _ => Meaning::Reject,
    }
}

/// Why a number takes no message of ours, now or later, where an error means that.
pub(super) fn stops_number(code: u32) -> Option<StopReason> {
    match meaning(code) {
        Meaning::Suppress(reason) => Some(reason),
        Meaning::Reject | Meaning::Later | Meaning::Configuration => None,
    }
}

/// What an answer means.
pub(super) fn outcome(answer: &Answer, segments: Segments) -> Outcome {
    let body: Option<Body> = serde_json::from_slice(&answer.body).ok();
    let body = body.unwrap_or_default();
    match answer.status {
        200..=299 => taken(answer, &body, segments),
        429 => not_sent(answer, &words(answer, &body), Retry::Deferred),
        // The request did not arrive as a whole, says the other side; ours has left.
        408 => unknown(answer),
        // Elsewhere by the word of a server that is no part of Twilio: nothing was done there.
        301 | 302 | 307 | 308 => not_sent(answer, "redirected", Retry::Configuration),
        400..=499 => refused(answer, &body),
        _ => unknown(answer),
    }
}

fn taken(answer: &Answer, body: &Body, segments: Segments) -> Outcome {
    if let Some(code) = body.error_code {
        let text = body.error_message.clone().unwrap_or_else(|| "refused".to_owned());
        return by_code(answer, code, &format!("{code}: {text}"));
    }
    // Something that says yes to everything is not Twilio.
    let (Some(sid), Some(status)) = (&body.sid, body.status.as_ref().and_then(|it| it.as_str()))
    else {
        return unknown(answer);
    };
    let reply = format!("{} {}; {segments}", cut(sid), cut(status));
    let parts = u16::try_from(segments.count).unwrap_or(u16::MAX);
    Outcome::Accepted { reply, parts }
}

fn refused(answer: &Answer, body: &Body) -> Outcome {
    let words = words(answer, body);
    match (body.code, answer.status) {
        (Some(code), _) => by_code(answer, code, &words),
        (None, 401 | 403 | 404) => not_sent(answer, &words, Retry::Configuration),
        (None, status) => {
            Outcome::Rejected { code: Some(status), enhanced: None, reason: words, suppress: None }
        }
    }
}

fn by_code(answer: &Answer, code: u32, words: &str) -> Outcome {
    match meaning(code) {
        Meaning::Later => not_sent(answer, words, Retry::Deferred),
        Meaning::Configuration => not_sent(answer, words, Retry::Configuration),
        Meaning::Suppress(_) | Meaning::Reject => Outcome::Rejected {
            code: u16::try_from(code).ok(),
            enhanced: None,
            reason: words.to_owned(),
            suppress: stops_number(code),
        },
    }
}

fn not_sent(answer: &Answer, words: &str, retry: Retry) -> Outcome {
    Outcome::NotSent {
        reason: format!("{} {words}", answer.status),
        phase: Phase::Answer,
        retry,
        retry_after_ms: answer.retry_after_ms,
    }
}

fn unknown(answer: &Answer) -> Outcome {
    let body = String::from_utf8_lossy(&answer.body);
    let reason = format!("unexpected answer: {} {}", answer.status, cut(&body));
    Outcome::Unknown { reason: reason.trim_end().to_owned(), phase: Phase::Answer }
}

/// `21610: Attempt to send to unsubscribed recipient`.
fn words(answer: &Answer, body: &Body) -> String {
    match (body.code, &body.message) {
        (Some(code), Some(message)) => format!("{code}: {}", cut(message)),
        (Some(code), None) => code.to_string(),
        (None, Some(message)) => cut(message),
        (None, None) => cut(&String::from_utf8_lossy(&answer.body)),
    }
}

/// The beginning of a text, on one line.
pub(super) fn cut(text: &str) -> String {
    text.chars()
        .take(QUOTED_CHARS_MAX)
        .map(|char| if char.is_control() { ' ' } else { char })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(status: u16, body: &str) -> Answer {
        Answer { status, retry_after_ms: None, body: body.as_bytes().to_vec() }
    }

    fn short(outcome: &Outcome) -> String {
        match outcome {
            Outcome::Accepted { reply, .. } => format!("accepted: {reply}"),
            Outcome::Rejected { code, suppress, .. } => {
                let why = suppress.map_or("once", StopReason::as_str);
                format!("rejected {code:?} {why}")
            }
            Outcome::NotSent { retry, .. } => format!("not sent {retry:?}"),
            Outcome::Unknown { .. } => "unknown".to_owned(),
        }
    }

    #[track_caller]
    fn check(status: u16, body: &str, expected: &str) {
        let outcome = outcome(&answer(status, body), Segments::of("hello"));
        assert_eq!(short(&outcome), expected, "{status} {body}: {outcome:?}");
    }

    fn error(code: u32) -> String {
        format!(r#"{{"code": {code}, "message": "no", "more_info": "x", "status": 400}}"#)
    }

    #[test]
    fn only_twilios_own_words_are_a_yes() {
        let body = r#"{"sid": "SM1", "status": "queued", "error_code": null, "num_segments": "1"}"#;
        check(201, body, "accepted: SM1 queued; 1 segment of GSM-7");
        for (status, body) in [
            (200, ""),
            (200, "<html>"),
            (201, "{\"sid\": \"SM1\""),
            (204, ""),
            (201, r#"{"status": "queued"}"#),
            (303, ""),
            (408, ""),
            (500, &error(20500)),
            (502, "bad gateway"),
            (503, ""),
            (100, ""),
        ] {
            check(status, body, "unknown");
        }
        let failed = r#"{"sid": "SM1", "status": "failed", "error_code": 30006}"#;
        check(201, failed, "rejected Some(30006) hard_bounce");
    }

    #[test]
    fn codes_say_what_to_do() {
        for code in [21211, 21614, 30005, 30006] {
            check(400, &error(code), &format!("rejected Some({code}) hard_bounce"));
        }
        check(400, &error(21610), "rejected Some(21610) opted_out");
        for code in [21408, 21612, 21617, 30003, 30004, 30007, 30008, 12345, 65535] {
            check(400, &error(code), &format!("rejected Some({code}) once"));
        }
        check(400, &error(1_000_000), "rejected None once");
        for code in [14107, 20429, 21611, 30001, 30022] {
            check(400, &error(code), "not sent Deferred");
        }
        for code in [20003, 20404, 21606, 21703, 30002, 30034] {
            check(400, &error(code), "not sent Configuration");
        }
        check(400, "what?", "rejected Some(400) once");
        check(401, "", "not sent Configuration");
        check(404, "not found", "not sent Configuration");
        check(429, "slow down", "not sent Deferred");
        check(302, "", "not sent Configuration");
    }

    #[test]
    fn a_pause_is_kept_and_words_are_cut() {
        let busy = Answer { retry_after_ms: Some(7_000), ..answer(429, &error(20429)) };
        let Outcome::NotSent { retry_after_ms, reason, .. } = outcome(&busy, Segments::of("a"))
        else {
            panic!("{busy:?}");
        };
        assert_eq!((retry_after_ms, reason.as_str()), (Some(7_000), "429 20429: no"));
        let long = outcome(&answer(400, &"x\n".repeat(1_000)), Segments::of("a"));
        let Outcome::Rejected { reason, .. } = long else { panic!("{long:?}") };
        assert_eq!(reason.len(), QUOTED_CHARS_MAX);
        assert!(!reason.contains('\n'));
    }
}
