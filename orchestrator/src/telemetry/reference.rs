//! The reference of spans, metrics and attributes, made from [`names`](super::names).

use std::fmt::Write as _;

use super::names::{Attribute, METRIC_ATTRIBUTES, METRICS, SPAN_ATTRIBUTES, SPANS};

/// The page, below its title.
pub fn page(title: &str) -> String {
    let mut page = format!(
        "{title}\nNames and attributes are an interface: a change of one is named in the \
         changelog. Nothing here ever\ncarries an address or the id of a customer. How to use it: \
         [follow a decision](../guides/follow-a-decision.md).\n"
    );
    metrics(&mut page);
    spans(&mut page);
    page.push_str(
        "\n## Logs\n\nThe lines that the server writes to standard error are exported as log \
         records: the message is the body,\nfields are attributes under the names above, and \
         `trace_id` and `span_id` of a line are those of its\nrecord.\n",
    );
    page
}

fn metrics(page: &mut String) {
    page.push_str(
        "\n## Metrics\n\n`/metrics` shows these in Prometheus' text, or in OpenMetrics text with \
         exemplars where the `Accept`\nheader names it. The same figures are exported by \
         OTLP.\n\n| Metric | Means | Attributes |\n|---|---|---|\n",
    );
    for metric in METRICS {
        let attributes = listed(metric.attributes);
        let _ = writeln!(page, "| `{}` | {} | {attributes} |", metric.name, metric.help);
    }
    attributes(page, &METRIC_ATTRIBUTES);
}

fn spans(page: &mut String) {
    page.push_str("\n## Spans\n\n| Span | Kind | Means | Points at | Attributes |\n");
    page.push_str("|---|---|---|---|---|\n");
    for span in SPANS {
        let links = if span.links.is_empty() { "nothing" } else { span.links };
        let attributes = listed(span.attributes);
        let (name, kind, help) = (span.name, span.kind, span.help);
        let _ = writeln!(page, "| `{name}` | {kind} | {help} | {links} | {attributes} |");
    }
    attributes(page, &SPAN_ATTRIBUTES);
}

fn listed(names: &[&str]) -> String {
    let quoted: Vec<String> = names.iter().map(|name| format!("`{name}`")).collect();
    if quoted.is_empty() { "none".to_owned() } else { quoted.join(", ") }
}

fn attributes(page: &mut String, attributes: &[Attribute]) {
    page.push_str("\n| Attribute | Values |\n|---|---|\n");
    for attribute in attributes {
        let _ = writeln!(page, "| `{}` | {} |", attribute.name, attribute.help);
    }
}
