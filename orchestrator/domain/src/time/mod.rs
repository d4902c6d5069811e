//! Time, without a clock: instants, durations as people mean them, local times, zones.
//!
//! Called wherever something waits, is capped or is quiet. Must never read a clock or the time-zone
//! database of the machine. The rules are semantics 13 to 15 and 19.

mod calendar;
mod clock_face;
mod clock_window;
mod cron;
mod due;
mod holidays;
mod instant;
mod profile_date;
mod span;
mod span_parse;
mod stretches;
mod text;
mod windows;
mod zone;

#[cfg(test)]
mod tests;

pub use calendar::CalendarWindow;
pub use clock_face::{TimeOfDay, Weekday, Weekdays, parse_weekday};
pub use clock_window::ClockWindow;
pub use cron::Cron;
pub use due::{Due, LocalTime};
pub use holidays::{HOLIDAYS_MAX, Holidays};
pub use instant::Instant;
pub use span::{DAY_MS, SPAN_MAX_MS, Span};
pub use text::TimeProblem;
pub use windows::{LocalWindow, WINDOWS_MAX, WeekStretch, Windows, plausible_offsets};
pub use zone::{UnknownZone, Zone};
