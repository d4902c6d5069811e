//! How far behind the process is, with a plain word, and what to do where it is bad.

use maud::{Markup, html};

use super::parts::{self, Column};
use super::reader::Reader;
use super::text;
use crate::admin::{Lag, Measured};

/// The table of what was measured in the last minutes.
pub(super) fn shown(reader: &Reader, lag: &Lag) -> Markup {
    let columns = [
        Column::Text(text::MEASURED),
        Column::Text(text::STATE),
        Column::Number(text::HALF_WITHIN),
        Column::Number(text::MOST_WITHIN),
        Column::Number(text::ALL_WITHIN),
        Column::Number(text::HOW_MANY),
    ];
    let timers = if lag.timers.is_bad { "late" } else { "on_time" };
    let commits = if lag.commits.is_bad { "slow" } else { "fast" };
    let rows = html! {
        (row(reader, text::LATENESS, timers, &lag.timers))
        (row(reader, text::COMMIT_TIME, commits, &lag.commits))
    };
    let due = i64::try_from(lag.timers_due).unwrap_or(i64::MAX);
    html! {
        (parts::table(reader, reader.t(text::HOW_FAR_BEHIND), &columns, &rows))
        @if lag.timers.is_bad { p.alert { (reader.t(text::TIMERS_LATE_MEANS)) } }
        @if lag.commits.is_bad { p.alert { (reader.t(text::COMMITS_SLOW_MEANS)) } }
        p.soft {
            span #due { (reader.fill(text::TIMERS_DUE, &[&reader.number(due)])) } " "
            (reader.fill(text::OVER_SECONDS, &[&lag.seconds]))
        }
    }
}

fn row(reader: &Reader, what: text::Text, word: &str, one: &Measured) -> Markup {
    let count = i64::try_from(one.count).unwrap_or(i64::MAX);
    let within = |us: Option<u64>| match us {
        _ if one.count == 0 => "–".to_owned(),
        Some(us) => span(reader, us),
        None => reader.t(text::BEYOND).to_owned(),
    };
    html! {
        tr {
            th.left scope="row" { (reader.t(what)) }
            // Nothing was measured: there is nothing to praise.
            td.left { @if one.count > 0 || one.is_bad { (reader.badge(word)) } }
            td { (within(one.p50_us)) }
            td { (within(one.p99_us)) }
            td { (within(one.max_us)) }
            td { (reader.number(count)) }
        }
    }
}

/// A time span of microseconds, in a unit that fits.
fn span(reader: &Reader, us: u64) -> String {
    match us {
        0..1_000 => format!("{us} µs"),
        1_000..1_000_000 => {
            let ms = us as f64 / 1e3;
            format!("{} ms", if ms < 10.0 { format!("{ms:.1}") } else { format!("{ms:.0}") })
        }
        _ => reader.fill(text::SECONDS, &[&format!("{:.1}", us as f64 / 1e6)]),
    }
}

#[cfg(test)]
mod tests {
    use domain::time::{Instant, Zone};

    use super::super::reader::Look;
    use super::*;
    use crate::access::mask::Mask;
    use crate::access::principal::Principal;

    fn page(timers_bad: bool, commits_bad: bool) -> String {
        let measured = |is_bad| Measured {
            count: 100,
            p50_us: Some(900),
            p99_us: Some(4_500),
            max_us: None,
            is_bad,
        };
        let lag = Lag {
            seconds: 300,
            timers_due: 1_500,
            timers: measured(timers_bad),
            commits: measured(commits_bad),
        };
        let (by, outlook) = (Principal::nobody(None), (Mask::nothing(), Zone::utc()));
        let reader = Reader::new(Look::default(), by, outlook, Instant(0), "/".to_owned());
        shown(&reader, &lag).into_string()
    }

    #[test]
    fn a_plain_word_says_whether_it_is_well_and_what_to_do_where_it_is_not() {
        let (well, late, slow) = (page(false, false), page(true, false), page(false, true));
        for (text, word, alerts) in [
            (&well, "on time", 0),
            (&well, "fast", 0),
            (&late, "late", 1),
            (&late, "fast", 1),
            (&slow, "on time", 1),
            (&slow, "slow", 1),
        ] {
            assert!(text.contains(&format!(">{word}</span>")), "{word}: {text}");
            assert_eq!(text.matches("class=\"alert\"").count(), alerts, "{text}");
        }
        assert!(late.contains("messages go later than they should"), "{late}");
        for part in ["900 µs", "4.5 ms", "more than is measured", "fired: 1,500."] {
            assert!(well.contains(part), "{part}: {well}");
        }
    }
}
