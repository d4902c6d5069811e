//! Vectors of time: tables first, then properties over every zone of the database.

mod clocks;
mod durations;
mod properties;
mod recurring;
mod timers;

use jiff::civil::DateTime;

use super::*;

fn zone(name: &str) -> Zone {
    Zone::parse(name).expect("a known zone")
}

fn at(text: &str) -> Instant {
    Instant::parse(text).unwrap_or_else(|| panic!("not an instant: {text}"))
}

fn civil(text: &str) -> DateTime {
    text.parse().expect("a civil time")
}

fn span(text: &str) -> Span {
    Span::parse(text).expect("a span")
}

fn time(text: &str) -> TimeOfDay {
    TimeOfDay::parse(text).expect("a time of day")
}

fn windows(list: &[(Option<&str>, &str, &str)]) -> Windows {
    let parse = |(days, start, end): &(Option<&str>, &str, &str)| {
        LocalWindow::parse(*days, start, end).expect("a window")
    };
    Windows::new(list.iter().map(parse).collect()).expect("a schedule")
}
