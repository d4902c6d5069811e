//! Reading durations, with advice for everything that people write instead.

use super::span::Span;
use super::text::{TimeProblem, quoted};

/// Longest text that is looked at.
const TEXT_MAX_BYTES: usize = 64;

/// One number with its unit, as it stands in the text.
struct Part<'a> {
    whole: &'a str,
    fraction: &'a str,
    unit: char,
}

/// Units of each half in the order in which they must stand.
const CALENDAR_UNITS: &str = "YMWD";
const CLOCK_UNITS: &str = "HMS";

pub(super) fn parse(text: &str) -> Result<Span, TimeProblem> {
    if text.len() > TEXT_MAX_BYTES {
        return Err(TimeProblem::new(format!("{} is not a duration", quoted(text))));
    }
    iso(text).map_err(|error| match error {
        Wrong::Shape => advise(text),
        Wrong::Problem(problem) => problem,
    })
}

/// Not ISO 8601 at all, or so but with a problem of its own.
enum Wrong {
    Shape,
    Problem(TimeProblem),
}

fn iso(text: &str) -> Result<Span, Wrong> {
    let body = text.strip_prefix('P').ok_or(Wrong::Shape)?;
    let (calendar, clock) = match body.split_once('T') {
        Some((_, "")) => return Err(Wrong::Shape),
        Some((calendar, clock)) => (calendar, clock),
        None => (body, ""),
    };
    if calendar.is_empty() && clock.is_empty() {
        return Err(Wrong::Shape);
    }
    let (mut months, mut days, mut ms) = (0_u64, 0_u64, 0_u64);
    for part in parts(calendar, CALENDAR_UNITS)? {
        let count = part.number(text)?;
        match part.unit {
            'Y' => months = sum(months, count, 12)?,
            'M' => months = sum(months, count, 1)?,
            'W' => days = sum(days, count, 7)?,
            _ => days = sum(days, count, 1)?,
        }
        part.refuse_fraction(text)?;
    }
    for part in parts(clock, CLOCK_UNITS)? {
        let count = part.number(text)?;
        match part.unit {
            'H' => ms = sum(ms, count, 3_600_000)?,
            'M' => ms = sum(ms, count, 60_000)?,
            _ => ms = sum(sum(ms, count, 1_000)?, part.milliseconds(text)?, 1)?,
        }
        if part.unit != 'S' {
            part.refuse_fraction(text)?;
        }
    }
    Span::checked(months, days, ms).map_err(Wrong::Problem)
}

fn sum(total: u64, count: u64, scale: u64) -> Result<u64, Wrong> {
    let added = count.checked_mul(scale).and_then(|more| total.checked_add(more));
    added.ok_or_else(|| Wrong::Problem(TimeProblem::new("the duration is longer than ten years")))
}

/// Splits `1Y2M` into its parts, each unit at most once and in order.
fn parts<'a>(mut text: &'a str, units: &str) -> Result<Vec<Part<'a>>, Wrong> {
    let mut parts = Vec::new();
    let mut next_unit = 0;
    while !text.is_empty() {
        let (number, unit, rest) = split_number(text).ok_or(Wrong::Shape)?;
        let (whole, fraction) = number.split_once(['.', ',']).unwrap_or((number, ""));
        let place = units[next_unit..].find(unit).ok_or(Wrong::Shape)?;
        next_unit += place + 1;
        parts.push(Part { whole, fraction, unit });
        text = rest;
    }
    Ok(parts)
}

/// `2.5D...` as number, unit and rest.
fn split_number(text: &str) -> Option<(&str, char, &str)> {
    let end = text.find(|c: char| !c.is_ascii_digit() && c != '.' && c != ',')?;
    let unit = text[end..].chars().next()?;
    let number = &text[..end];
    number.starts_with(|c: char| c.is_ascii_digit()).then_some(())?;
    Some((number, unit, &text[end + unit.len_utf8()..]))
}

impl Part<'_> {
    fn number(&self, text: &str) -> Result<u64, Wrong> {
        self.whole.parse().map_err(|_| {
            Wrong::Problem(TimeProblem::new(format!("{} is too long a duration", quoted(text))))
        })
    }

    /// Up to three digits after the point of the seconds.
    fn milliseconds(&self, text: &str) -> Result<u64, Wrong> {
        if self.fraction.is_empty() {
            return Ok(0);
        }
        let digits = self.fraction.len();
        match self.fraction.parse::<u64>() {
            Ok(number) if digits <= 3 => Ok(number * 10_u64.pow(3 - digits as u32)),
            _ => Err(Wrong::Problem(
                TimeProblem::new(format!("{} is finer than a millisecond", quoted(text)))
                    .suggest("use at most three digits after the point"),
            )),
        }
    }

    fn refuse_fraction(&self, text: &str) -> Result<(), Wrong> {
        if self.fraction.is_empty() {
            return Ok(());
        }
        let advice = match self.unit {
            'Y' => "write months, such as P18M",
            'M' if text.find('T').is_none() => "write days, such as P45D",
            'W' | 'D' => "write whole days plus hours, such as P1DT12H, or elapsed time, PT36H",
            'H' => "write minutes, such as PT90M",
            _ => "write seconds, such as PT90S",
        };
        let message = format!("{} has a fraction", quoted(text));
        Err(Wrong::Problem(TimeProblem::new(message).suggest(advice)))
    }
}

/// What to write instead of something that is not ISO 8601.
fn advise(text: &str) -> TimeProblem {
    let problem = TimeProblem::new(format!("{} is not a duration", quoted(text)));
    let trimmed = text.trim();
    if trimmed.starts_with('-') {
        return TimeProblem::new("a duration is never negative")
            .suggest("write it without the minus sign");
    }
    if let Ok(number) = trimmed.parse::<u32>() {
        return problem.suggest(format!(
            "a number needs a unit: PT{number}M is minutes, PT{number}H hours, P{number}D days"
        ));
    }
    match reword(trimmed) {
        Some(better) => problem.suggest(format!("write {better}")),
        None => problem.suggest("write P2D for days, PT48H for hours, PT15M for minutes"),
    }
}

/// `15m`, `7 days`, `1h30m`, `p2d`, `P2H`, `2 weeks and 1 hour` in ISO 8601.
fn reword(text: &str) -> Option<String> {
    let lower = text.to_ascii_lowercase();
    // With a leading P the letters are ISO's, only in the wrong case, order or half.
    let iso_like = lower.starts_with('p');
    let mut rest = lower.trim_start_matches('p').trim_start();
    let mut after_t = false;
    let mut counts = [0_u64; 7];
    while !rest.is_empty() {
        if let Some(stripped) = rest.strip_prefix('t').filter(|_| iso_like) {
            (rest, after_t) = (stripped, true);
            continue;
        }
        let digits = rest.find(|c: char| !c.is_ascii_digit())?;
        let count: u64 = rest[..digits].parse().ok()?;
        rest = rest[digits..].trim_start();
        let letters = rest.find(|c: char| !c.is_ascii_alphabetic()).unwrap_or(rest.len());
        let letters = if iso_like { letters.min(1) } else { letters };
        let index = unit_index(&rest[..letters], iso_like && !after_t)?;
        counts[index] = counts[index].checked_add(count)?;
        rest = rest[letters..].trim_start_matches([' ', ',']).trim_start_matches("and ");
    }
    let mut better = String::from("P");
    for (index, unit) in ["Y", "M", "W", "D", "H", "M", "S"].into_iter().enumerate() {
        if index == 4 && counts[4..].iter().any(|count| *count > 0) {
            better.push('T');
        }
        if counts[index] > 0 {
            better.push_str(&format!("{}{unit}", counts[index]));
        }
    }
    // Only advice that is itself right.
    iso(&better).is_ok().then_some(better)
}

fn unit_index(word: &str, m_is_month: bool) -> Option<usize> {
    Some(match word {
        "y" | "yr" | "yrs" | "year" | "years" => 0,
        "mo" | "mon" | "month" | "months" => 1,
        "m" if m_is_month => 1,
        "w" | "wk" | "wks" | "week" | "weeks" => 2,
        "d" | "day" | "days" => 3,
        "h" | "hr" | "hrs" | "hour" | "hours" => 4,
        "m" | "min" | "mins" | "minute" | "minutes" => 5,
        "s" | "sec" | "secs" | "second" | "seconds" => 6,
        _ => return None,
    })
}
