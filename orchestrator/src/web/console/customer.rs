//! The page `/customers/{id}`: one customer's timeline with every decision and its rules.

use maud::{Markup, html};

use crate::timeline::{Entry, RuleLine, Timeline};

/// What is known of her.
pub(super) fn found(timeline: &Timeline) -> Markup {
    html! {
        h2.words { "Customer " (timeline.customer) }
        p {
            "Time zone: "
            @match &timeline.zone { Some(zone) => (zone), None => span.soft { "not known" } }
            @if !timeline.segments.is_empty() { ". Segments: " (timeline.segments.join(", ")) }
            "."
        }
        (traits(&timeline.traits))
        h2 #timeline { "Timeline, newest first" }
        div.scroll {
            table aria-labelledby="timeline" {
                thead {
                    tr {
                        th scope="col" { "when (UTC)" } th.left scope="col" { "what" }
                        th.left scope="col" { "details" }
                    }
                }
                tbody { @for entry in &timeline.entries { (row(entry)) } }
            }
        }
        @if timeline.more { p.soft { "Older entries are not shown." } }
    }
}

/// Nobody is known under the id.
pub(super) fn missing(id: &str) -> Markup {
    html! {
        h2 { "Nobody is known under this id" }
        p.words { (id) }
        p { a href="/" { "Back to the overview" } }
    }
}

/// The rows cannot be read.
pub(super) fn unreadable() -> Markup {
    html! {
        h2 { "This customer cannot be read" }
        p { "The reason stands in the log of the process." }
    }
}

fn traits(traits: &serde_json::Value) -> Markup {
    let Some(traits) = traits.as_object().filter(|traits| !traits.is_empty()) else {
        return html! { p.soft { "No traits." } };
    };
    html! {
        ul.tags aria-label="Traits" {
            @for (name, value) in traits {
                li.words {
                    span.soft { (name) ": " }
                    @match value.as_str() { Some(text) => (text), None => (value.to_string()) }
                }
            }
        }
    }
}

fn row(entry: &Entry) -> Markup {
    html! {
        tr {
            td.left.fit { time datetime=(entry.at) { (short(&entry.at)) } }
            td.left.fit { span class=(entry.kind) { (entry.kind.replace('_', " ")) } }
            td.left.words {
                (entry.text)
                @if !entry.rules.is_empty() { (rules(entry)) }
                @else if let Some(send) = &entry.send { " " span.soft { "send " (send) } }
            }
        }
    }
}

/// Date and time to the second; the attribute of the element has all of it.
fn short(at: &str) -> String {
    at.get(..19).map_or_else(|| at.to_owned(), |text| text.replace('T', " "))
}

fn rules(entry: &Entry) -> Markup {
    html! {
        details {
            summary {
                (entry.rules.len()) " rules were asked"
                @if let Some(send) = &entry.send { ", send " (send) }
            }
            table {
                thead {
                    tr {
                        th scope="col" { "rule" } th.left scope="col" { "said" }
                        th.left scope="col" { "why" } th scope="col" { "counted" }
                        th scope="col" { "limit" } th.left scope="col" { "earliest" }
                    }
                }
                tbody { @for rule in &entry.rules { (rule_row(rule)) } }
            }
        }
    }
}

fn rule_row(rule: &RuleLine) -> Markup {
    let class = match &*rule.ruling {
        "hold" => "held",
        "refuse" | "next_channel" => "refused",
        _ => "sent",
    };
    let number = |number: Option<u32>| number.map_or_else(String::new, |number| number.to_string());
    html! {
        tr {
            th scope="row" { (rule.rule) }
            td.left { span class=(class) { (rule.ruling.replace('_', " ")) } }
            td.left { (rule.reason) }
            td { (number(rule.counted)) } td { (number(rule.limit)) }
            td.left { (rule.earliest.as_deref().map(short).unwrap_or_default()) }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hostile_text_is_shown_as_text() {
        let hostile = "<script>alert(1)</script>".to_owned();
        let rule = RuleLine {
            rule: hostile.clone(),
            ruling: "refuse".into(),
            reason: hostile.clone(),
            counted: Some(2),
            limit: Some(2),
            earliest: Some("2026-03-05T08:00:00Z".to_owned()),
        };
        let entry = Entry {
            at: "2026-03-04T08:00:00.5Z".to_owned(),
            kind: "refused".into(),
            text: hostile.clone(),
            send: Some(hostile.clone()),
            rules: vec![rule],
        };
        let timeline = Timeline {
            customer: hostile.clone(),
            traits: serde_json::json!({ hostile.clone(): hostile.clone(), "list": [hostile] }),
            zone: None,
            segments: vec!["<b>".to_owned()],
            entries: vec![entry],
            more: true,
        };
        let page = found(&timeline).into_string();
        assert!(!page.contains("<script") && !page.contains("<b>"), "{page}");
        assert_eq!(page.matches("&lt;script&gt;").count(), 8, "{page}");
        assert!(page.contains("2026-03-04 08:00:00</time>"), "{page}");
        assert!(page.contains("Older entries"), "{page}");
        let page = missing("<i>").into_string();
        assert!(page.contains("&lt;i&gt;") && !page.contains("<i>"), "{page}");
    }
}
