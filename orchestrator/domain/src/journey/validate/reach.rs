//! Steps that nobody can reach: behind an `exit`, or behind arms that all leave the journey.

use crate::check::Check;
use crate::journey::steps::RawStep;
use crate::problem::{Path, Problem};

/// Records the first unreachable step of each list.
pub(super) fn check(steps: &[RawStep], path: &Path, check: &mut Check<'_>) {
    walk(steps, path, check);
}

/// Whether everybody who begins these steps leaves the journey in them.
fn walk(steps: &[RawStep], path: &Path, check: &mut Check<'_>) -> bool {
    let mut left_by: Option<&'static str> = None;
    let mut reported = false;
    for (at, step) in steps.iter().enumerate() {
        if let (Some(kind), false) = (left_by, reported) {
            reported = true;
            let message = match kind {
                "exit" => "this step is never reached: the `exit` before it leaves the journey",
                _ => "this step is never reached: every way before it leaves the journey",
            };
            let problem = Problem::new(path.index(at).key(step.kind()), message);
            check.problem(problem.on_key().suggest("remove it, or move it before the exit"));
        }
        let path = path.index(at).key(step.kind());
        let arms = step.arms();
        let mut all_leave = !arms.is_empty() && step.arms_are_all();
        for (key, arm) in arms {
            all_leave &= walk(arm, &path.join(&key), check);
        }
        if matches!(step, RawStep::Exit(_)) || all_leave {
            left_by = left_by.or(Some(step.kind()));
        }
    }
    left_by.is_some()
}
