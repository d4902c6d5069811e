//! `report.html`: the summary as one page with SVG charts and no external resources.

use maud::{DOCTYPE, Markup, PreEscaped, html};

use super::summary::{JourneySummary, Outcomes, Summary};

const STYLE: &str = "
:root { color-scheme: light dark; --sent: #2a7d4f; --refused: #b3403a; --withdrawn: #8a8f98;
  --held: #b98a1d; --line: #8884; }
body { font: 15px/1.5 system-ui, sans-serif; max-width: 60rem; margin: 2rem auto; padding: 0 1rem; }
table { border-collapse: collapse; margin: .5rem 0 1.5rem; }
th, td { text-align: right; padding: .25rem .75rem; border-bottom: 1px solid var(--line); }
th:first-child, td:first-child { text-align: left; }
.sent { fill: var(--sent); } .refused { fill: var(--refused); }
.withdrawn { fill: var(--withdrawn); } .held { fill: var(--held); }
svg text { font: 11px system-ui, sans-serif; fill: currentColor; }
.key span { margin-right: 1rem; } .key i { display: inline-block; width: .8em; height: .8em; }
";

/// Width of the charts in pixels.
const CHART_WIDTH: u64 = 900;
/// Height of the charts' bars in pixels.
const CHART_HEIGHT: u64 = 180;

/// The page.
pub(super) fn page(summary: &Summary) -> String {
    html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                title { "Simulation report" }
                style { (PreEscaped(STYLE)) }
            }
            body {
                h1 { "Simulation report" }
                p {
                    (summary.customers) " customers, " (summary.inputs)
                    " events and timers, until " (summary.until) ". Nothing was sent."
                }
                h2 { "Intended sends by day" }
                (key())
                (by_day(summary))
                h2 { "Why messages waited or did not go" }
                (rules(summary))
                h2 { "Channels" }
                (channels(summary))
                h2 { "Journeys" }
                @for (name, journey) in &summary.journeys { (journey_section(name, journey)) }
            }
        }
    }
    .into_string()
}

fn key() -> Markup {
    html! {
        p.key {
            @for word in ["sent", "refused", "withdrawn", "held"] {
                span { i style=(format!("background: var(--{word})")) {} " " (word) }
            }
        }
    }
}

fn total(outcomes: &Outcomes) -> u64 {
    outcomes.sent + outcomes.refused + outcomes.withdrawn + outcomes.held
}

fn by_day(summary: &Summary) -> Markup {
    let most = summary.days.values().map(total).max().unwrap_or(0).max(1);
    let count = summary.days.len().max(1) as u64;
    let first = summary.days.keys().next();
    let last = summary.days.keys().next_back();
    html! {
        svg viewBox=(format!("0 0 {CHART_WIDTH} {}", CHART_HEIGHT + 20)) role="img"
            aria-label="Intended sends by day" width="100%" {
            @for (at, (day, outcomes)) in summary.days.iter().enumerate() {
                (bar(at as u64, count, most, day, outcomes))
            }
            text x="0" y=(CHART_HEIGHT + 16) { (first.map_or("", String::as_str)) }
            text x=(CHART_WIDTH) y=(CHART_HEIGHT + 16) text-anchor="end" {
                (last.map_or("", String::as_str))
            }
            text x="0" y="12" { "most in a day: " (most) }
        }
    }
}

fn bar(at: u64, count: u64, most: u64, day: &str, outcomes: &Outcomes) -> Markup {
    let x = at as f64 * CHART_WIDTH as f64 / count as f64;
    let width = (CHART_WIDTH as f64 / count as f64 - 1.0).max(0.5);
    let parts = [
        ("sent", outcomes.sent),
        ("refused", outcomes.refused),
        ("withdrawn", outcomes.withdrawn),
        ("held", outcomes.held),
    ];
    let mut bottom = CHART_HEIGHT as f64;
    html! {
        g {
            title { (day) ": " (outcomes.sent) " sent, " (outcomes.refused) " refused, "
                (outcomes.withdrawn) " withdrawn, " (outcomes.held) " held" }
            @for (word, value) in parts {
                @if value > 0 {
                    @let height = value as f64 * (CHART_HEIGHT - 20) as f64 / most as f64;
                    ({ bottom -= height; PreEscaped("") })
                    rect class=(word) x=(format!("{x:.1}")) y=(format!("{bottom:.1}"))
                        width=(format!("{width:.1}")) height=(format!("{height:.1}")) {}
                }
            }
        }
    }
}

fn rules(summary: &Summary) -> Markup {
    let mut names: Vec<&String> =
        summary.refused_by_rule.keys().chain(summary.held_by_rule.keys()).collect();
    names.sort();
    names.dedup();
    let of = |map: &std::collections::BTreeMap<String, u64>, name: &String| {
        map.get(name).copied().unwrap_or_default()
    };
    html! {
        table {
            thead { tr { th { "rule" } th { "times held" } th { "refused" } } }
            tbody {
                @for name in names {
                    tr {
                        td { (name) }
                        td { (of(&summary.held_by_rule, name)) }
                        td { (of(&summary.refused_by_rule, name)) }
                    }
                }
            }
        }
    }
}

fn outcome_cells(outcomes: &Outcomes) -> Markup {
    html! {
        td { (outcomes.sent) } td { (outcomes.refused) } td { (outcomes.withdrawn) }
        td { (outcomes.held) }
    }
}

fn channels(summary: &Summary) -> Markup {
    html! {
        table {
            thead {
                tr { th { "channel" } th { "sent" } th { "refused" } th { "withdrawn" }
                    th { "held" } }
            }
            tbody {
                @for (name, channel) in &summary.channels {
                    tr { td { (name) } (outcome_cells(&channel.outcomes)) }
                }
            }
        }
    }
}

fn journey_section(name: &str, journey: &JourneySummary) -> Markup {
    html! {
        h3 { (name) }
        p {
            (journey.entered) " entered, " (journey.active) " active at the end"
            @for (reason, count) in &journey.exited { ", " (count) " left: " (reason) }
            ". Messages: " (journey.sends.sent) " sent, " (journey.sends.refused) " refused, "
            (journey.sends.withdrawn) " withdrawn, " (journey.sends.held) " held."
        }
        table {
            thead { tr { th { "step" } th { "kind" } th { "came to it" } th { "standing there" } } }
            tbody {
                @for step in &journey.steps {
                    tr {
                        td { (step.id) } td { (step.kind) } td { (step.entered) }
                        td { (step.waiting) }
                    }
                }
            }
        }
    }
}
