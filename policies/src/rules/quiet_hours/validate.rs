//! From written quiet hours and send windows to valid ones.

use domain::problem::{Path, Problem};
use domain::time::{LocalWindow, TimeProblem, Windows, Zone};

use super::{QuietHours, RawLocalWindow, RawQuietHours, RawSendWindow};
use crate::rules::Outcome;

impl RawQuietHours {
    pub(crate) fn validate(
        &self,
        path: &Path,
        problems: &mut Vec<Problem>,
    ) -> Option<QuietHours<String>> {
        let windows_path = path.key("windows");
        let mut windows = local_windows(&self.windows, &windows_path, problems);
        let mut plausible_zones = zones(&self.plausible_zones, path, problems);
        if let Some(preset) = self.preset {
            if !self.windows.is_empty() {
                let message = "the preset says when it is quiet";
                let problem = Problem::new(windows_path.clone(), message);
                problems.push(problem.suggest("write what is stricter as a rule of its own"));
            }
            if self.plausible_zones.is_empty() {
                plausible_zones = preset.plausible_zones();
            }
            match preset.windows() {
                Ok(preset) => windows = windows.map(|own| [own, preset].concat()),
                Err(problem) => problems.push(at(path.key("preset"), problem)),
            }
        } else if self.windows.is_empty() && !self.holidays {
            problems.push(Problem::new(windows_path.clone(), "length is lower than 1"));
        }
        let raw_scope = self.scope.clone().unwrap_or_default();
        let scope = raw_scope.validate(&path.key("scope"), problems);
        Some(QuietHours {
            windows: valid(Windows::new(windows?), windows_path, problems)?,
            holidays: self.holidays,
            plausible_zones,
            on_quiet: self.on_quiet.unwrap_or(Outcome::Hold),
            scope,
        })
    }
}

impl RawSendWindow {
    pub(crate) fn validate(
        &self,
        path: &Path,
        problems: &mut Vec<Problem>,
    ) -> Option<QuietHours<String>> {
        let windows_path = path.key("windows");
        let windows = local_windows(&self.windows, &windows_path, problems);
        let plausible_zones = zones(&self.plausible_zones, path, problems);
        let raw_scope = self.scope.clone().unwrap_or_default();
        let scope = raw_scope.validate(&path.key("scope"), problems);
        Some(QuietHours {
            windows: valid(Windows::outside(windows?), windows_path, problems)?,
            holidays: self.holidays,
            plausible_zones,
            on_quiet: self.on_outside.unwrap_or(Outcome::Hold),
            scope,
        })
    }
}

/// All windows; `None` if one of them is wrong.
fn local_windows(
    raw: &[RawLocalWindow],
    path: &Path,
    problems: &mut Vec<Problem>,
) -> Option<Vec<LocalWindow>> {
    let mut windows = Vec::with_capacity(raw.len());
    for (index, raw) in raw.iter().enumerate() {
        match LocalWindow::parse(raw.on.as_deref(), &raw.from, &raw.to) {
            Ok(window) => windows.push(window),
            Err(problem) => problems.push(at(path.index(index), problem)),
        }
    }
    (windows.len() == raw.len()).then_some(windows)
}

fn zones(names: &[String], path: &Path, problems: &mut Vec<Problem>) -> Vec<Zone> {
    let path = path.key("plausible_zones");
    let listed = names.iter().enumerate();
    listed.filter_map(|(at, name)| crate::yaml::zone(name, path.index(at), problems)).collect()
}

fn valid(
    windows: Result<Windows, TimeProblem>,
    path: Path,
    problems: &mut Vec<Problem>,
) -> Option<Windows> {
    windows.map_err(|problem| problems.push(at(path, problem))).ok()
}

/// A problem of the time module, at its place.
pub(crate) fn at(path: Path, problem: TimeProblem) -> Problem {
    let placed = Problem::new(path, problem.message);
    match problem.suggestion {
        Some(suggestion) => placed.suggest(suggestion),
        None => placed,
    }
}
