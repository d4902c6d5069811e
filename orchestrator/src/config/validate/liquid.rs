//! The Liquid of templates: compiled by the crate that renders it, to find what is wrong with it.

use channels::render::{Place, ROOTS, Template};
use domain::check::Check;
use domain::problem::{Path, Problem, nearest};
use domain::template::RawTemplate;

/// Checks every text of a template whose `spec` stands at `path`.
pub(super) fn check(raw: &RawTemplate, path: &Path, check: &mut Check<'_>) {
    let texts = [
        ("subject", Place::Header, raw.subject.as_deref()),
        ("preheader", Place::Header, raw.preheader.as_deref()),
        ("text", Place::Text, Some(raw.text.as_str())),
        ("html", Place::Html, raw.html.as_deref()),
    ];
    for (key, place, source) in texts {
        let Some(source) = source else { continue };
        let path = path.key(key);
        match Template::compile(place, source) {
            Ok(template) => names(&template, &path, check),
            Err(found) => {
                check.problem(Problem::new(path, found.message).at_offset(found.offset));
            }
        }
    }
}

/// A name that no message ever has is a slip.
fn names(template: &Template, path: &Path, check: &mut Check<'_>) {
    for variable in template.variables() {
        let root = variable.path.split(['.', '[']).next().unwrap_or_default();
        if ROOTS.contains(&root) {
            continue;
        }
        let message = format!("unknown name `{root}`");
        let problem = Problem::new(path.clone(), message).at_offset(variable.offset);
        check.problem(match nearest(root, ROOTS) {
            Some(near) => problem.suggest(format!("did you mean `{near}`?")),
            None => problem.suggest(format!("known here: {}", ROOTS.join(", "))),
        });
    }
}
