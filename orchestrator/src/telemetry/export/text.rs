//! Reads one line of OpenMetrics text, as this process writes it.

/// A sample: its name, labels, value, and the trace and value of its exemplar.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Sample {
    pub(super) name: String,
    pub(super) labels: Vec<(String, String)>,
    pub(super) value: f64,
    pub(super) exemplar: Option<(Vec<u8>, f64)>,
}

impl Sample {
    /// Of a line that is no comment.
    pub(super) fn parse(line: &str) -> Option<Self> {
        let end = line.find(['{', ' '])?;
        let (name, rest) = line.split_at(end);
        let (labels, rest) = match rest.strip_prefix('{') {
            Some(inside) => labels(inside)?,
            None => (Vec::new(), rest),
        };
        let (value, exemplar) = match rest.split_once(" # {") {
            Some((value, rest)) => (value, exemplar(rest)),
            None => (rest, None),
        };
        let value = value.trim().parse().ok()?;
        Some(Self { name: name.to_owned(), labels, value, exemplar })
    }
}

type Labels = Vec<(String, String)>;

/// Labels behind an opening brace, and what follows the closing one.
fn labels(text: &str) -> Option<(Labels, &str)> {
    let mut found = Vec::new();
    let mut rest = text;
    loop {
        if let Some(behind) = rest.strip_prefix('}') {
            return Some((found, behind));
        }
        let (name, after) = rest.trim_start_matches(',').split_once("=\"")?;
        let mut value = String::new();
        let mut chars = after.char_indices();
        let end = loop {
            match chars.next()? {
                (at, '"') => break at,
                (_, '\\') => match chars.next()?.1 {
                    'n' => value.push('\n'),
                    other => value.push(other),
                },
                (_, other) => value.push(other),
            }
        };
        found.push((name.to_owned(), value));
        rest = &after[end + 1..];
    }
}

fn exemplar(text: &str) -> Option<(Vec<u8>, f64)> {
    let (labels, value) = labels(text)?;
    let (_, trace) = labels.into_iter().find(|(name, _)| name == "trace_id")?;
    let trace = u128::from_str_radix(&trace, 16).ok()?;
    Some((trace.to_be_bytes().to_vec(), value.trim().parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn samples_are_read_with_labels_and_exemplars() {
        let line = "a_bucket{le=\"0.1\",channel=\"a \\\"b\\\" }\"} 3 # {trace_id=\"0a\"} 0.5";
        let sample = Sample::parse(line).unwrap();
        assert_eq!(sample.name, "a_bucket");
        assert_eq!(sample.labels[1], ("channel".to_owned(), "a \"b\" }".to_owned()));
        assert_eq!(sample.value, 3.0);
        assert_eq!(sample.exemplar, Some((10_u128.to_be_bytes().to_vec(), 0.5)));
        let plain = Sample::parse("a_total 1").unwrap();
        assert_eq!((plain.name.as_str(), plain.labels.len(), plain.value), ("a_total", 0, 1.0));
        assert_eq!(Sample::parse("what is this"), None);
    }
}
