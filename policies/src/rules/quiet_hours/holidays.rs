//! Holidays per country, as a policy lists them, and which list is a customer's.

use std::collections::BTreeMap;
use std::fmt;

use domain::problem::{Path, Problem};
use domain::time::Holidays;
use domain::value::{Map, Value};
use schemars::JsonSchema;
use serde::Deserialize;
use serde::de::value::MapAccessDeserializer;
use serde::de::{Deserializer, Error, MapAccess, Visitor};

use super::at;

/// Most countries with holidays; there are fewer.
pub const COUNTRIES_MAX: usize = 400;
/// Longest name of a country, in characters: a code, or a code and a region.
const COUNTRY_MAX_CHARS: usize = 64;

/// The name of a country as a policy and a trait write it, in capital letters: `ES`, `US-TX`.
pub type Country = String;

/// Holidays by country.
pub type CountryHolidays = BTreeMap<Country, Holidays>;

/// A holiday as it is written: a date, or a name with a date.
#[derive(Clone, Debug, JsonSchema)]
#[schemars(untagged)]
pub enum RawHoliday {
    /// `2026-12-25`, or `12-25` for every year.
    Date(String),
    /// The same with a name.
    Named(RawNamedHoliday),
}

/// A date with a name.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RawNamedHoliday {
    /// What it is called; for people.
    pub name: String,
    /// `2026-12-25`, or `12-25` for every year.
    pub date: String,
}

impl<'de> Deserialize<'de> for RawHoliday {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(HolidayVisitor)
    }
}

struct HolidayVisitor;

impl<'de> Visitor<'de> for HolidayVisitor {
    type Value = RawHoliday;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a date, or a name with a date")
    }

    fn visit_str<E: Error>(self, date: &str) -> Result<RawHoliday, E> {
        Ok(RawHoliday::Date(date.to_owned()))
    }

    fn visit_map<M: MapAccess<'de>>(self, map: M) -> Result<RawHoliday, M::Error> {
        Deserialize::deserialize(MapAccessDeserializer::new(map)).map(RawHoliday::Named)
    }

    fn visit_unit<E: Error>(self) -> Result<RawHoliday, E> {
        // Where the document is broken already.
        Ok(RawHoliday::Date("01-01".to_owned()))
    }
}

impl RawHoliday {
    fn date(&self) -> &str {
        match self {
            Self::Date(date) => date,
            Self::Named(named) => &named.date,
        }
    }
}

/// The lists of a document, by country.
pub(crate) fn validate(
    raw: &BTreeMap<String, Vec<RawHoliday>>,
    path: &Path,
    problems: &mut Vec<Problem>,
) -> CountryHolidays {
    if raw.len() > COUNTRIES_MAX {
        problems.push(Problem::new(path.clone(), format!("more than {COUNTRIES_MAX} countries")));
    }
    let mut countries = CountryHolidays::new();
    for (country, list) in raw {
        let path = path.key(country.as_str());
        if country.is_empty() || country.chars().count() > COUNTRY_MAX_CHARS {
            let message = format!("the name of a country has 1 to {COUNTRY_MAX_CHARS} characters");
            problems.push(Problem::new(path.clone(), message).on_key());
        }
        let holidays = countries.entry(country.to_uppercase()).or_default();
        for (index, raw) in list.iter().enumerate() {
            if let Err(problem) = holidays.add(raw.date()) {
                let mut path = path.index(index);
                if matches!(raw, RawHoliday::Named(_)) {
                    path = path.key("date");
                }
                problems.push(at(path, problem));
            }
        }
    }
    countries
}

/// The country that a customer's trait names, in capital letters.
pub(crate) fn country_of(traits: &Map, name: &str) -> Option<Country> {
    match traits.get(name)? {
        Value::Text(text) if !text.is_empty() => Some(text.trim().to_uppercase()),
        _ => None,
    }
}
