//! Who the synthetic customers are: names, zones, permissions, habits. Nobody in here exists.

use domain::consent::Permission;
use domain::ids::CustomerId;
use domain::value::{Map, Value};

use super::draw::Draw;

const DAY_MS: i64 = 24 * 3_600_000;

/// First names; some are awkward on purpose, so that escaping can be seen at work.
const NAMES: [&str; 20] = [
    "Ana",
    "Bram",
    "Chloé",
    "Dmitri",
    "Elif",
    "Femi",
    "Greta",
    "Hiro",
    "Inés",
    "João",
    "Katarzyna",
    "Liam",
    "Mei",
    "Noor",
    "O'Brien",
    "Priya",
    "Søren",
    "Tom & Ida",
    "Zoë <3",
    "\"Max\"",
];
/// Where they live; one in twenty has no zone, and one a zone that nobody knows.
const ZONES: [&str; 12] = [
    "Europe/Madrid",
    "Europe/Berlin",
    "Europe/London",
    "Europe/Paris",
    "Europe/Warsaw",
    "Europe/Helsinki",
    "America/New_York",
    "America/Los_Angeles",
    "America/Sao_Paulo",
    "Asia/Kolkata",
    "Asia/Tokyo",
    "Australia/Sydney",
];
const INTERESTS: [&str; 3] = ["coffee", "tea", "gifts"];

/// One customer and what she has done so far.
#[derive(Clone, Debug)]
pub(super) struct Shopper {
    pub(super) id: CustomerId,
    name: &'static str,
    zone: Option<&'static str>,
    interest: Option<&'static str>,
    gold: bool,
    has_address: bool,
    /// `None`: she was never asked.
    pub(super) consent: Option<Permission>,
    /// Mean time between two visits.
    pub(super) visits_every_ms: i64,
    /// Number of her cart: the next one begins when it is bought or emptied.
    pub(super) cart: u32,
    /// Messages made so far, for their ids.
    pub(super) messages: u32,
}

impl Shopper {
    pub(super) fn new(number: u32, draw: &mut Draw) -> Self {
        let zone = match draw.below(100) {
            0..5 => None,
            5 => Some("Atlantis/Poseidonis"),
            _ => Some(draw.one_of(&ZONES)),
        };
        let consent = match draw.below(100) {
            0..78 => Some(Permission::Granted),
            78..88 => Some(Permission::Denied),
            _ => None,
        };
        Self {
            id: CustomerId::from(format!("shopper-{number:06}")),
            name: draw.one_of(&NAMES),
            zone,
            interest: draw.percent(70).then(|| draw.one_of(&INTERESTS)),
            gold: draw.percent(12),
            has_address: draw.percent(97),
            consent,
            visits_every_ms: draw.between(2, 14) * DAY_MS,
            cart: 1,
            messages: 0,
        }
    }

    pub(super) fn traits(&self) -> Map {
        let mut traits = Map::new();
        let mut set = |name: &str, value: Value| traits.insert(name.into(), value);
        set("first_name", self.name.into());
        if self.has_address {
            set("email", format!("{}@example.com", self.id).as_str().into());
        }
        if let Some(zone) = self.zone {
            set(domain::customer::ZONE_TRAIT, zone.into());
        }
        if let Some(interest) = self.interest {
            set("interest", interest.into());
        }
        if self.gold {
            set("tier", "gold".into());
        }
        traits
    }
}

/// Whose address this is, if it is one of ours.
pub(super) fn owner(address: &str) -> Option<CustomerId> {
    let id = address.strip_suffix("@example.com")?;
    id.starts_with("shopper-").then(|| CustomerId::from(id))
}
