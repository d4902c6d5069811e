//! `{{ value | date: '%d %B %Y' }}`, on the rendering's own `now` and without reading a clock.

use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::fmt::strtime;
use jiff::tz::TimeZone;
use liquid_core::error::Error;
use liquid_core::model::ScalarCow;
use liquid_core::{
    Display_filter, Expression, Filter, FilterParameters, FilterReflection, FromFilterParameters,
    ParseFilter, Result, Runtime, Value, ValueView,
};

#[derive(Debug, FilterParameters)]
struct DateArgs {
    #[parameter(description = "The format, as in strftime.", arg_type = "str")]
    format: Expression,
}

#[derive(Clone, ParseFilter, FilterReflection)]
#[filter(
    name = "date",
    description = "Shows a date or an instant in a format.",
    parameters(DateArgs),
    parsed(DateFilter)
)]
pub(super) struct Date;

#[derive(Debug, FromFilterParameters, Display_filter)]
#[name = "date"]
struct DateFilter {
    #[parameters]
    args: DateArgs,
}

impl Filter for DateFilter {
    fn evaluate(&self, input: &dyn ValueView, runtime: &dyn Runtime) -> Result<Value> {
        let args = self.args.evaluate(runtime)?;
        // What is no date stays as it is, as everywhere in Liquid.
        let Some(date) = date_of(input, runtime) else {
            return Ok(input.to_value());
        };
        strtime::format(args.format.as_bytes(), date)
            .map(Value::scalar)
            .map_err(|error| Error::with_msg(format!("bad date format: {error}")))
    }
}

fn date_of(input: &dyn ValueView, runtime: &dyn Runtime) -> Option<DateTime> {
    let scalar = input.as_scalar()?;
    if let Some(seconds) = scalar.to_integer() {
        return in_utc(Timestamp::from_second(seconds).ok()?);
    }
    let text = scalar.to_kstr();
    match text.trim() {
        "now" | "today" => {
            let now = runtime.try_get(&[ScalarCow::new("now")])?;
            in_utc(now.to_kstr().parse::<Timestamp>().ok()?)
        }
        text => text
            .parse::<DateTime>()
            .ok()
            .or_else(|| text.parse::<Timestamp>().ok().and_then(in_utc)),
    }
}

fn in_utc(timestamp: Timestamp) -> Option<DateTime> {
    Some(timestamp.to_zoned(TimeZone::UTC).datetime())
}
