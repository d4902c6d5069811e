//! The problem document of RFC 9457: what every interface says when it cannot do as asked.

use schemars::JsonSchema;
use serde::Serialize;

use super::{ErrorCode, table};

/// Media type of a problem document.
pub const PROBLEM_CONTENT_TYPE: &str = "application/problem+json";

/// Most items in `errors`. A batch may hold thousands of bad events; the first hundred show what is
/// wrong, and `detail` says how many there are.
pub const PROBLEM_ERRORS_MAX: usize = 100;

/// A problem document.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Problem {
    /// Address of the page about this code, relative to the server.
    #[serde(rename = "type")]
    pub type_path: String,
    /// What the code means; the same for every occurrence.
    pub title: &'static str,
    /// HTTP status; absent where the problem is not shown over HTTP.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub status: Option<u16>,
    /// What happened this time: lower case, without a full stop.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub detail: String,
    /// Stable code (`CAD-2006`).
    pub code: &'static str,
    /// What to do.
    pub advice: &'static str,
    /// This occurrence, as it stands in the log.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub instance: Option<String>,
    /// The places that are wrong, where there are several or one can be named.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub errors: Vec<ProblemItem>,
}

/// One place that is wrong.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct ProblemItem {
    /// Where: a path into the body or the definition (`batch[3].timestamp`).
    pub path: String,
    /// Stable code of this item.
    pub code: &'static str,
    /// What is wrong there: lower case, without a full stop.
    pub detail: String,
    /// What to do there, if we know.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub suggestion: Option<String>,
}

impl Problem {
    /// A problem of one kind. `detail` says what happened this time and may be empty.
    pub fn new(kind: ErrorCode, detail: impl Into<String>) -> Self {
        let row = kind.row();
        Self {
            type_path: table::page_path(row.code),
            title: row.title,
            status: row.status,
            detail: detail.into(),
            code: row.code,
            advice: row.advice,
            instance: None,
            errors: Vec::new(),
        }
    }

    /// With the name of this occurrence.
    #[must_use]
    pub fn instance(mut self, instance: impl Into<String>) -> Self {
        self.instance = Some(instance.into());
        self
    }

    /// With one more place. Beyond [`PROBLEM_ERRORS_MAX`] it is left out.
    #[must_use]
    pub fn item(mut self, item: ProblemItem) -> Self {
        if self.errors.len() < PROBLEM_ERRORS_MAX {
            self.errors.push(item);
        }
        self
    }
}

impl ProblemItem {
    /// A place and what is wrong there.
    pub fn new(kind: ErrorCode, path: impl Into<String>, detail: impl Into<String>) -> Self {
        Self { path: path.into(), code: kind.as_str(), detail: detail.into(), suggestion: None }
    }

    /// With advice.
    #[must_use]
    pub fn suggest(mut self, suggestion: impl Into<String>) -> Self {
        self.suggestion = Some(suggestion.into());
        self
    }
}

/// As one line for a terminal or a log: what happened, what it means, the code.
impl std::fmt::Display for Problem {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.detail.is_empty() {
            true => write!(f, "{} ({})", self.title, self.code),
            false => write!(f, "{}: {} ({})", self.title, self.detail, self.code),
        }
    }
}

impl std::error::Error for Problem {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_problem_is_written_as_rfc_9457_says() {
        let item = ProblemItem::new(ErrorCode::BadTimestamp, "batch[3].timestamp", "no offset")
            .suggest("add Z");
        let problem = Problem::new(ErrorCode::MalformedBody, "line 2 column 7").item(item);
        assert_eq!(
            serde_json::to_value(problem).unwrap(),
            serde_json::json!({
                "type": "/errors/CAD-2001",
                "title": "body is not valid JSON",
                "status": 400,
                "detail": "line 2 column 7",
                "code": "CAD-2001",
                "advice": "send one JSON object, in UTF-8",
                "errors": [{
                    "path": "batch[3].timestamp",
                    "code": "CAD-2007",
                    "detail": "no offset",
                    "suggestion": "add Z",
                }],
            })
        );
    }

    #[test]
    fn items_beyond_the_limit_are_left_out() {
        let item = ProblemItem::new(ErrorCode::BadField, "traits", "not an object");
        let problem = (0..=PROBLEM_ERRORS_MAX)
            .fold(Problem::new(ErrorCode::MalformedBody, ""), |problem, _| {
                problem.item(item.clone())
            });
        assert_eq!(problem.errors.len(), PROBLEM_ERRORS_MAX);
    }

    #[test]
    fn a_line_names_title_detail_and_code() {
        let problem = Problem::new(ErrorCode::PortInUse, "127.0.0.1:8080");
        assert_eq!(problem.to_string(), "port is in use: 127.0.0.1:8080 (CAD-7002)");
        assert_eq!(Problem::new(ErrorCode::NotFound, "").to_string().matches(':').count(), 0);
    }
}
