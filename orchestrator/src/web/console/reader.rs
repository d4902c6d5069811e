//! Whoever reads a page: her language and theme, her zone, what she may see. Every page takes it
//! out of the request; numbers, instants and stable words are written here and nowhere else.

use std::borrow::Cow;
use std::ops::Deref;

use actix_web::error::ErrorInternalServerError;
use actix_web::http::{Method, header};
use actix_web::{Error, FromRequest, HttpMessage as _, HttpRequest, HttpResponse, web};
use domain::time::{Instant, Zone};
use futures_util::FutureExt as _;
use futures_util::future::LocalBoxFuture;
use maud::{Markup, html};

use super::counts::Spent;
use super::layout;
use super::text::{self, Language, Text};
use super::words;
use crate::access::mask::Mask;
use crate::access::principal::Principal;
use crate::access::scope::Scope;
use crate::error::{Problem, find, spanish};
use crate::web::{Site, presented};

/// Cookie with the language that was chosen.
pub(super) const LANGUAGE: &str = "cadencia_language";
/// Cookie with the theme that was chosen.
pub(super) const THEME: &str = "cadencia_theme";
/// Digits from which on Spanish groups thousands, as Unicode's locale data say (2 before the
/// first mark).
const SPANISH_DIGITS_GROUPED: usize = 5;

/// Light or dark.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Theme {
    /// As the system is set.
    #[default]
    System,
    Light,
    Dark,
}

impl Theme {
    pub(super) const ALL: [Self; 3] = [Self::System, Self::Light, Self::Dark];

    pub(super) fn word(self) -> &'static str {
        match self {
            Self::System => "system",
            Self::Light => "light",
            Self::Dark => "dark",
        }
    }

    pub(super) fn of(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|theme| theme.word() == word)
    }
}

/// How a page is shown, as far as the browser alone says it.
#[derive(Clone, Copy, Debug, Default)]
pub(in crate::web) struct Look {
    pub(super) language: Language,
    pub(super) theme: Theme,
}

impl Look {
    /// As cookies and headers say.
    pub(in crate::web) fn of(request: &HttpRequest) -> Self {
        let chosen = |name| presented::preference(request, name);
        let language = chosen(LANGUAGE).and_then(|word| Language::of(&word));
        let accepted = request.headers().get(header::ACCEPT_LANGUAGE);
        let accepted = || accepted.and_then(|value| value.to_str().ok()).map(preferred);
        Self {
            language: language.or_else(accepted).unwrap_or_default(),
            theme: chosen(THEME).and_then(|word| Theme::of(&word)).unwrap_or_default(),
        }
    }

    /// A text in her language.
    pub(super) fn t(&self, text: Text) -> &'static str {
        text.of(self.language)
    }

    /// A text with values in the places of `{}`.
    pub(super) fn fill(&self, text: Text, values: &[&dyn std::fmt::Display]) -> String {
        let mut filled = String::new();
        let mut values = values.iter();
        let mut parts = self.t(text).split("{}");
        filled.push_str(parts.next().unwrap_or_default());
        for part in parts {
            if let Some(value) = values.next() {
                filled.push_str(&value.to_string());
            }
            filled.push_str(part);
        }
        filled
    }

    /// A stable word (a state, a kind of rule) in her language.
    pub(super) fn word<'a>(&self, word: &'a str) -> Cow<'a, str> {
        words::stable(word, self.language)
    }

    /// What the code of a problem means, and what to do.
    pub(super) fn said(&self, problem: &Problem) -> (String, String) {
        let spanish = spanish(problem.code).filter(|_| self.language == Language::Spanish);
        let (title, advice) = spanish.unwrap_or((problem.title, problem.advice));
        (sentence(title), sentence(advice))
    }

    /// What a code means.
    pub(super) fn title_of(&self, code: &str) -> String {
        let english = || find(code).map_or("", |row| row.title);
        let spanish = spanish(code).filter(|_| self.language == Language::Spanish);
        sentence(spanish.map_or_else(english, |(title, _)| title))
    }

    /// Money, with the mark of the language before its places.
    pub(super) fn money(&self, spent: &Spent) -> String {
        let text = spent.to_string();
        match self.language {
            Language::English => text,
            Language::Spanish => text.replace('.', ","),
        }
    }

    /// A number with marks between thousands.
    pub(super) fn number(&self, number: i64) -> String {
        let digits = number.unsigned_abs().to_string();
        let (mark, fewest) = match self.language {
            Language::English => (',', 4),
            Language::Spanish => ('.', SPANISH_DIGITS_GROUPED),
        };
        let mut grouped = String::from(if number < 0 { "-" } else { "" });
        for (at, digit) in digits.chars().enumerate() {
            if at > 0 && (digits.len() - at).is_multiple_of(3) && digits.len() >= fewest {
                grouped.push(mark);
            }
            grouped.push(digit);
        }
        grouped
    }

    /// A count of things in memory.
    pub(super) fn count(&self, count: usize) -> String {
        self.number(i64::try_from(count).unwrap_or(i64::MAX))
    }

    /// How far an instant is from another one, in one unit.
    pub(super) fn relative(&self, at: Instant, now: Instant) -> String {
        let ms = at.ms_since(now);
        let (count, unit) = match ms.unsigned_abs() / 1_000 {
            seconds @ 0..60 => (seconds, text::SECONDS),
            seconds @ 60..3_600 => (seconds / 60, text::MINUTES),
            seconds @ 3_600..172_800 => (seconds / 3_600, text::HOURS),
            seconds => (seconds / 86_400, text::DAYS),
        };
        let span = self.fill(unit, &[&self.number(count as i64)]);
        let frame = if ms > 0 { text::IN_SPAN } else { text::SPAN_AGO };
        self.fill(frame, &[&span])
    }
}

/// Words of the table of errors as a page writes them: beginning with a capital.
fn sentence(words: &str) -> String {
    let mut letters = words.chars();
    let first = letters.next().into_iter().flat_map(char::to_uppercase);
    first.chain(letters).collect()
}

/// The language that an `Accept-Language` prefers of those that there are.
fn preferred(accepted: &str) -> Language {
    let weighed = accepted.split(',').filter_map(|one| {
        let (tag, rest) = one.trim().split_once(';').unwrap_or((one.trim(), ""));
        let weight = rest.trim().strip_prefix("q=").map_or(Some(1.0), |q| q.parse::<f32>().ok())?;
        let primary = tag.split('-').next().unwrap_or_default();
        Some((weight, Language::of(&primary.to_ascii_lowercase())?))
    });
    // The first of equals: `max_by` takes the last.
    let best = weighed.filter(|(weight, _)| *weight > 0.0);
    let best = best.reduce(|best, one| if one.0 > best.0 { one } else { best });
    best.map_or(Language::default(), |(_, language)| language)
}

/// Whoever reads a page.
#[derive(Debug)]
pub(in crate::web) struct Reader {
    look: Look,
    /// Who it is, and what she may do.
    pub(super) by: Principal,
    /// What she must not see.
    pub(super) mask: Mask,
    /// The zone in which instants are written: the one that counts where a customer's is unknown.
    pub(super) zone: Zone,
    /// Now, by the clock of the journeys.
    pub(super) now: Instant,
    /// The page, to come back to it.
    pub(super) path: String,
}

impl Deref for Reader {
    type Target = Look;

    fn deref(&self) -> &Look {
        &self.look
    }
}

impl Reader {
    /// Somebody with a look, what she must not see and the zone of her pages, now and on a page.
    pub(super) fn new(
        look: Look,
        by: Principal,
        (mask, zone): (Mask, Zone),
        now: Instant,
        path: String,
    ) -> Self {
        Self { look, by, mask, zone, now, path }
    }

    pub(super) fn may(&self, scope: Scope) -> bool {
        self.by.may(scope)
    }

    /// What forms must carry.
    pub(super) fn csrf(&self) -> Markup {
        html! {
            @if let Some(session) = &self.by.session {
                input type="hidden" name="csrf" value=(session.csrf);
            }
        }
    }

    /// An instant in her zone, to the second.
    pub(super) fn clock_text(&self, at: Instant) -> String {
        match at {
            Instant::MAX | Instant::MIN => self.t(text::NEVER).to_owned(),
            _ => self.zone.local(at).strftime("%Y-%m-%d %H:%M:%S").to_string(),
        }
    }

    /// An instant, with how far it is from now.
    pub(super) fn at(&self, at: Instant) -> Markup {
        self.at_from(at, self.now)
    }

    /// An instant, with how far it is from another clock's now.
    pub(super) fn at_from(&self, at: Instant, now: Instant) -> Markup {
        if matches!(at, Instant::MAX | Instant::MIN) {
            return html! { span.soft { (self.t(text::NEVER)) } };
        }
        html! {
            span.fit {
                time datetime=(at) { (self.clock_text(at)) }
                " " span.soft { (self.relative(at, now)) }
            }
        }
    }

    /// An instant that came as RFC 3339.
    pub(super) fn at_text(&self, at: &str) -> Markup {
        match Instant::parse(at) {
            Some(at) => self.at(at),
            None => html! { (at) },
        }
    }

    /// Who did something, as rows name her: the kind in her language, the name as it is.
    pub(super) fn who(&self, who: &str) -> String {
        words::who(who, self.language)
    }

    /// What somebody else said: it stays in her language, and is marked as a quotation.
    pub(super) fn quoted(&self, said: &str) -> Markup {
        html! { @if !said.is_empty() { q.soft translate="no" { (said) } } }
    }

    /// A stable word as a badge: the word says it, the colour only repeats it.
    pub(super) fn badge(&self, word: &str) -> Markup {
        html! { span class={ "badge " (word) } { (self.word(word)) } }
    }

    /// A problem as a page.
    pub(super) fn problem(&self, problem: &Problem) -> HttpResponse {
        layout::problem(&self.look, Some(self), problem)
    }
}

impl FromRequest for Reader {
    type Error = Error;
    type Future = LocalBoxFuture<'static, Result<Self, Error>>;

    fn from_request(request: &HttpRequest, _: &mut actix_web::dev::Payload) -> Self::Future {
        let site = request.app_data::<web::Data<Site>>().cloned();
        let by = request.extensions().get::<Principal>().cloned();
        let look = Look::of(request);
        // What a form was sent to is no page to come back to.
        let read = request.uri().path_and_query().filter(|_| request.method() == Method::GET);
        let path = read.map_or("/", |path| path.as_str()).to_owned();
        async move {
            // The server gives every request its site, the guard its principal.
            let (Some(site), Some(by)) = (site, by) else {
                return Err(ErrorInternalServerError("a page outside of the guard"));
            };
            let outlook = site.admin.outlook(&by).await;
            Ok(Self::new(look, by, outlook, site.now(), path))
        }
        .boxed_local()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn look(language: Language) -> Look {
        Look { language, theme: Theme::System }
    }

    #[test]
    fn the_browsers_first_language_that_there_is_counts() {
        for (accepted, expected) in [
            ("es-ES,es;q=0.9,en;q=0.8", Language::Spanish),
            ("de,en;q=0.5,es;q=0.7", Language::Spanish),
            ("en-GB, es", Language::English),
            ("de", Language::English),
            ("es;q=0, en;q=0.1", Language::English),
            ("", Language::English),
            ("*;;;", Language::English),
        ] {
            assert_eq!(preferred(accepted), expected, "{accepted}");
        }
    }

    #[test]
    fn numbers_have_the_marks_of_the_language() {
        let (english, spanish) = (look(Language::English), look(Language::Spanish));
        for (number, en, es) in [
            (0, "0", "0"),
            (-999, "-999", "-999"),
            (1_234, "1,234", "1234"),
            (12_345, "12,345", "12.345"),
            (1_234_567, "1,234,567", "1.234.567"),
        ] {
            assert_eq!((&*english.number(number), &*spanish.number(number)), (en, es));
        }
    }

    #[test]
    fn spans_are_said_in_one_unit() {
        let english = look(Language::English);
        let said = |ms| english.relative(Instant(ms), Instant(0));
        assert_eq!(said(-5_000), "5 s ago");
        assert_eq!(said(90 * 60_000), "in 1 h");
        assert_eq!(said(-3 * 86_400_000), "3 d ago");
        let spanish = look(Language::Spanish);
        assert_eq!(spanish.relative(Instant(-120_000), Instant(0)), "hace 2 min");
    }

    #[test]
    fn values_take_the_places_of_a_text() {
        assert_eq!(look(Language::English).fill(text::IN_SPAN, &[&"3 h"]), "in 3 h");
    }
}
