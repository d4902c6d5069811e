//! Quiet hours that the law of a country asks for, by name.
//!
//! A preset is a start, not advice on law: states and contracts may ask for more, and a second rule
//! says so.

use domain::time::{LocalWindow, TimeProblem, Zone};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A preset.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Preset {
    /// Text messages in the United States: quiet before 08:00 and from 21:00 on, every day, on the
    /// receiver's clock (47 CFR 64.1200(c)(1)). Who has no known zone may be in any of the fifty
    /// states.
    UsSms,
}

/// Zones of the fifty states of the United States, one for each set of hours that is kept there.
const US_ZONES: [&str; 8] = [
    "America/New_York",
    "America/Chicago",
    "America/Denver",
    "America/Phoenix",
    "America/Los_Angeles",
    "America/Anchorage",
    "America/Adak",
    "Pacific/Honolulu",
];

impl Preset {
    pub(super) fn windows(self) -> Result<Vec<LocalWindow>, TimeProblem> {
        match self {
            Self::UsSms => Ok(vec![LocalWindow::parse(None, "21:00", "08:00")?]),
        }
    }

    pub(super) fn plausible_zones(self) -> Vec<Zone> {
        let names = match self {
            Self::UsSms => US_ZONES,
        };
        names.iter().filter_map(|name| Zone::parse(name).ok()).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_zone_of_a_preset_is_known() {
        assert_eq!(Preset::UsSms.plausible_zones().len(), US_ZONES.len());
        assert_eq!(Preset::UsSms.windows().expect("windows").len(), 1);
    }
}
