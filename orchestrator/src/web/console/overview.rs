//! The page `/`: counts per journey and step, what rules did, the newest captured messages.

use domain::time::Instant;
use maud::{Markup, html};

use super::captured::Shown;
use super::counts::{JourneyCounts, Overview, StepCounts};
use super::layout::customer_link;

/// Everything that the page shows.
#[derive(Clone, Debug)]
pub(super) struct View {
    pub(super) now: Instant,
    pub(super) overview: Overview,
    /// Whether any channel captures.
    pub(super) captures: bool,
    pub(super) captured: u64,
    pub(super) messages: Vec<Shown>,
    /// Ids of some customers.
    pub(super) samples: Vec<String>,
}

/// The part that is kept fresh.
pub(super) fn live(view: &View) -> Markup {
    html! {
        (figures(view))
        (samples(&view.samples))
        h2 #rules { "What rules did" }
        (rules(&view.overview))
        h2 #journeys { "Journeys" }
        @if view.overview.journeys.is_empty() { p.soft { "No journey is published." } }
        @for journey in &view.overview.journeys { (journey_section(journey)) }
        @if view.captures {
            h2 #messages { "Newest captured messages" }
            (messages(&view.messages))
        }
    }
}

fn figures(view: &View) -> Markup {
    let overview = &view.overview;
    let entered: i64 = overview.journeys.iter().map(|journey| journey.entered).sum();
    let active: i64 = overview.journeys.iter().map(|journey| journey.active).sum();
    html! {
        p.soft { "Time in the journeys: " time datetime=(view.now) { (clock_text(view.now)) } }
        dl.figures {
            div { dt { "enrollments made" } dd { (entered) } }
            div { dt { "active" } dd { (active) } }
            div { dt { "messages sent" } dd.sent { (overview.sent) } }
            div { dt { "times held" } dd.held { (overview.held) } }
            div { dt { "refused" } dd.refused { (overview.refused) } }
            div { dt { "without an answer yet" } dd { (overview.open) } }
            @if view.captures { div { dt { "captured" } dd { (view.captured) } } }
        }
    }
}

/// An instant to the second, in UTC.
pub(super) fn clock_text(at: Instant) -> String {
    let text = at.to_string();
    let (Some(date), Some(time)) = (text.get(..10), text.get(11..19)) else {
        return text;
    };
    format!("{date} {time} UTC")
}

fn samples(ids: &[String]) -> Markup {
    html! {
        @if !ids.is_empty() {
            h2 #customers { "Some customers" }
            ul.tags aria-labelledby="customers" {
                @for id in ids { li { a href=(customer_link(id)) { (id) } } }
            }
        }
    }
}

fn rules(overview: &Overview) -> Markup {
    if overview.rules.is_empty() {
        return html! { p.soft { "Nothing has been held or refused." } };
    }
    let most = overview.rules.values().map(|rule| rule.held.max(rule.refused)).max();
    let most = most.unwrap_or(0);
    html! {
        div.scroll {
            table aria-labelledby="rules" {
                thead {
                    tr {
                        th scope="col" { "rule" } th scope="col" { "times held" }
                        th scope="col" aria-hidden="true" {} th scope="col" { "refused" }
                        th scope="col" aria-hidden="true" {}
                    }
                }
                tbody {
                    @for (name, rule) in &overview.rules {
                        tr {
                            th scope="row" { (name) }
                            td { (rule.held) }
                            td aria-hidden="true" { (bar("b-held", rule.held, most)) }
                            td { (rule.refused) }
                            td aria-hidden="true" { (bar("b-refused", rule.refused, most)) }
                        }
                    }
                }
            }
        }
    }
}

/// A bar whose length says how much of the most this is.
fn bar(class: &str, value: i64, most: i64) -> Markup {
    let width = if most > 0 { value.max(0) as f64 * 100.0 / most as f64 } else { 0.0 };
    html! {
        svg viewBox="0 0 100 8" preserveAspectRatio="none" {
            rect class=(class) width=(format!("{width:.1}")) height="8" {}
        }
    }
}

fn journey_section(journey: &JourneyCounts) -> Markup {
    let most = journey.steps.iter().map(|step| step.entered).max().unwrap_or(0);
    let (sent, held, refused) = journey.messages();
    let heading = format!("journey-{}-{}", journey.name, journey.version);
    html! {
        h3 id=(heading) {
            (journey.name) " "
            span.soft { "version " (journey.version) @if !journey.current { ", replaced" } }
        }
        p {
            (journey.entered) " entered, " (journey.active) " active"
            @for (reason, count) in &journey.exited { ", " (count) " left: " (reason) }
            ". Messages: " span.sent { (sent) " sent" } ", " span.held { "held " (held) " times" }
            ", " span.refused { (refused) " refused" } "."
        }
        div.scroll {
            table aria-labelledby=(heading) {
                thead {
                    tr {
                        th scope="col" { "step" } th.left scope="col" { "kind" }
                        th scope="col" { "came to it" } th scope="col" aria-hidden="true" {}
                        th scope="col" { "standing there" } th scope="col" { "sent" }
                        th scope="col" { "times held" } th scope="col" { "refused" }
                    }
                }
                tbody { @for step in &journey.steps { (step_row(step, most)) } }
            }
        }
    }
}

fn step_row(step: &StepCounts, most: i64) -> Markup {
    let message = |count: i64| if step.kind == "send" { count.to_string() } else { String::new() };
    html! {
        tr {
            th scope="row" { (step.id) }
            td.left { (step.kind) }
            td { (step.entered) } td aria-hidden="true" { (bar("bar", step.entered, most)) }
            td { (step.standing) } td { (message(step.sent)) } td { (message(step.held)) }
            td { (message(step.refused)) }
        }
    }
}

fn messages(messages: &[Shown]) -> Markup {
    if messages.is_empty() {
        return html! { p.soft { "None so far." } };
    }
    html! {
        div.scroll {
            table aria-labelledby="messages" {
                thead {
                    tr {
                        th scope="col" { "when" } th.left scope="col" { "channel" }
                        th.left scope="col" { "to" } th.left scope="col" { "subject" }
                        th.left scope="col" { "text" }
                    }
                }
                tbody {
                    @for message in messages {
                        tr {
                            td.left.fit { (clock_text(message.at)) }
                            td.left { (message.channel) }
                            td.left.fit { (message.to) }
                            td.left.words { (message.subject) }
                            td.left.words.soft { (message.excerpt) }
                        }
                    }
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::web::console::counts::RuleCounts;

    const HOSTILE: &str = "<img src=x onerror=alert(1)>\"'&";

    fn view() -> View {
        let step = StepCounts {
            id: HOSTILE.to_owned(),
            kind: "send",
            entered: 9,
            standing: 2,
            sent: 4,
            held: 5,
            refused: 3,
        };
        let journey = JourneyCounts {
            name: HOSTILE.to_owned(),
            version: 1,
            current: true,
            entered: 9,
            active: 2,
            exited: vec![("goal", 7)],
            steps: vec![step],
        };
        let overview = Overview {
            journeys: vec![journey],
            rules: [("frequency_cap", RuleCounts { held: 5, refused: 3 })].into(),
            sent: 4,
            held: 5,
            refused: 3,
            ..Overview::default()
        };
        let message = Shown {
            at: Instant(0),
            channel: "email".to_owned(),
            to: HOSTILE.to_owned(),
            subject: HOSTILE.to_owned(),
            excerpt: HOSTILE.to_owned(),
        };
        View {
            now: Instant(0),
            overview,
            captures: true,
            captured: 1,
            messages: vec![message],
            samples: vec![HOSTILE.to_owned()],
        }
    }

    #[test]
    fn hostile_text_is_shown_as_text() {
        let page = live(&view()).into_string();
        assert!(!page.contains("<img"), "{page}");
        assert!(!page.contains("onerror=alert(1)>"), "{page}");
        assert_eq!(page.matches("&lt;img src=x").count(), 8, "{page}");
    }

    #[test]
    fn counts_stand_in_their_rows() {
        let page = live(&view()).into_string();
        assert!(page.contains("9 entered, 2 active, 7 left: goal"), "{page}");
        assert!(page.contains("<th scope=\"row\">frequency_cap</th><td>5</td>"), "{page}");
        assert!(page.contains("1970-01-01 00:00:00 UTC"), "{page}");
    }

    #[test]
    fn an_empty_site_says_so() {
        let mut view = view();
        view.overview = Overview::default();
        view.messages.clear();
        let page = live(&view).into_string();
        for text in ["No journey is published", "Nothing has been held", "None so far"] {
            assert!(page.contains(text), "{text} in {page}");
        }
    }
}
