//! Calendar quarters against the dates on the wall, through a year in which a zone lost a day.

use domain::time::{CalendarWindow, Instant};

use crate::fixture::{at, zone};

#[test]
fn a_quarter_is_three_months_of_the_wall_calendar() {
    for name in ["UTC", "Europe/Madrid", "Africa/Cairo", "Pacific/Apia", "America/Santiago"] {
        let zone = zone(name);
        let quarter = |instant: Instant| {
            let date = zone.local(instant).date();
            (date.year(), (date.month() - 1) / 3)
        };
        let mut now = at("2011-12-01T00:30:00Z");
        while now < at("2013-01-15T00:00:00Z") {
            let (from, to) = CalendarWindow::Quarter.bounds(now, &zone);
            assert!(from <= now && now < to, "{name} {now}: {from} to {to}");
            assert_eq!(quarter(from), quarter(now), "{name} {now}");
            assert_eq!(quarter(to.plus_ms(-1)), quarter(now), "{name} {now}");
            assert_ne!(quarter(to), quarter(now), "{name} {now}");
            assert_ne!(quarter(from.plus_ms(-1)), quarter(now), "{name} {now}");
            now = now.plus_ms(5 * 3_600_000);
        }
    }
}
