//! The summary on the terminal: redrawn in place where standard output is a terminal, one line
//! now and then where it is not.

use std::fmt::Write as _;
use std::io::{self, Write as _};

use domain::time::Instant;

use crate::web::console::counts::{JourneyCounts, Overview};

/// Where nobody watches, one line in so many summaries.
const LINE_EVERY: u32 = 5;

/// What a summary says.
#[derive(Clone, Debug)]
pub struct Figures {
    /// Virtual time.
    pub now: Instant,
    /// Events taken in.
    pub events: u64,
    /// Events per second of real time, since the summary before.
    pub events_per_s: u64,
    /// Customers who have signed up.
    pub customers: u64,
    /// Messages captured.
    pub captured: u64,
    /// The partitions' counts.
    pub overview: Overview,
}

/// The place on the terminal.
#[derive(Debug)]
pub struct Panel {
    terminal: bool,
    drawn: usize,
    shown: u32,
}

impl Panel {
    /// Draws in place if `terminal`.
    pub fn new(terminal: bool) -> Self {
        Self { terminal, drawn: 0, shown: 0 }
    }

    /// Shows figures. Nobody reading is no reason to end.
    pub fn show(&mut self, figures: &Figures) {
        if !self.terminal {
            if self.shown.is_multiple_of(LINE_EVERY) {
                drop(writeln!(io::stdout(), "{}", line(figures)));
            }
            self.shown += 1;
            return;
        }
        let text = summary(figures);
        let mut out = String::new();
        if self.drawn > 0 {
            // To the first column of the first line, and clear from there on.
            let _ = write!(out, "\x1b[{}F\x1b[J", self.drawn);
        }
        out.push_str(&text);
        self.drawn = text.lines().count();
        let mut stdout = io::stdout().lock();
        drop(stdout.write_all(out.as_bytes()).and_then(|()| stdout.flush()));
    }

    /// The last figures, whole, wherever output goes.
    pub fn finish(&mut self, figures: &Figures) {
        if self.terminal {
            self.show(figures);
        } else {
            drop(write!(io::stdout(), "\n{}", summary(figures)));
        }
    }
}

/// Everything on one line.
fn line(figures: &Figures) -> String {
    let overview = &figures.overview;
    format!(
        "{} events {} ({}/s) customers {} sent {} held {} refused {} captured {}",
        clock_text(figures.now),
        figures.events,
        figures.events_per_s,
        figures.customers,
        overview.sent,
        overview.held,
        overview.refused,
        figures.captured,
    )
}

fn clock_text(at: Instant) -> String {
    at.to_string().get(..16).unwrap_or_default().replace('T', " ")
}

/// The whole summary, at most 78 columns wide.
fn summary(figures: &Figures) -> String {
    let overview = &figures.overview;
    let mut text = String::new();
    let _ = writeln!(
        text,
        "{} UTC   {} customers   {} events, {}/s\n",
        clock_text(figures.now),
        figures.customers,
        figures.events,
        figures.events_per_s,
    );
    let _ = writeln!(
        text,
        "{:<20}{:>9}{:>9}{:>9}{:>9}{:>9}{:>9}",
        "journey", "entered", "active", "ended", "sent", "held", "refused"
    );
    for journey in &overview.journeys {
        text.push_str(&journey_line(journey));
    }
    let _ = writeln!(
        text,
        "{:<20}{:>36}{:>9}{:>9}\n",
        "all", overview.sent, overview.held, overview.refused
    );
    let _ = writeln!(text, "{:<20}{:>45}{:>9}", "rule", "held", "refused");
    for (rule, counts) in &overview.rules {
        let _ = writeln!(text, "{rule:<20}{:>45}{:>9}", counts.held, counts.refused);
    }
    let _ = writeln!(text, "\n{} messages captured", figures.captured);
    text
}

fn journey_line(journey: &JourneyCounts) -> String {
    let (sent, held, refused) = journey.messages();
    let name: String = journey.name.chars().filter(|char| !char.is_control()).take(19).collect();
    format!(
        "{name:<20}{:>9}{:>9}{:>9}{sent:>9}{held:>9}{refused:>9}\n",
        journey.entered,
        journey.active,
        journey.entered - journey.active,
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::web::console::counts::{RuleCounts, StepCounts};

    #[test]
    fn the_summary_fits_a_terminal_and_adds_up() {
        let step = StepCounts { sent: 40, held: 30, refused: 20, ..StepCounts::default() };
        let journey = JourneyCounts {
            name: "a-journey-with-a-name-that-is-long\x1b[2J".to_owned(),
            version: 1,
            current: true,
            entered: 100,
            active: 10,
            exited: vec![("goal", 90)],
            steps: vec![step.clone(), step],
        };
        let figures = Figures {
            now: Instant(crate::demo::START_MS),
            events: 1_234_567,
            events_per_s: 12_345,
            customers: 3_000,
            captured: 80,
            overview: Overview {
                journeys: vec![journey],
                rules: [("quiet_hours", RuleCounts { held: 60, refused: 40 })].into(),
                sent: 80,
                held: 60,
                refused: 40,
                ..Overview::default()
            },
        };
        let text = summary(&figures);
        assert!(text.starts_with("2026-03-02 08:00 UTC   3000 customers"), "{text}");
        assert!(!text.contains('\x1b'), "{text}");
        assert!(text.lines().all(|line| line.chars().count() <= 78), "{text}");
        let cells = |name: &str| -> Vec<String> {
            let line = text.lines().find(|line| line.starts_with(name)).unwrap();
            line.split_whitespace().skip(1).map(str::to_owned).collect()
        };
        assert_eq!(cells("a-journey"), ["100", "10", "90", "80", "60", "40"]);
        assert_eq!(cells("all"), ["80", "60", "40"]);
        assert_eq!(cells("quiet_hours"), ["60", "40"]);
    }
}
