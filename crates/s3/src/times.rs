//! Times as HTTP and XML write them.
//!
//! Source: RFC 9110 section 5.6.7 (HTTP dates); versioning.md, "Order" 3 (fractions of a second).

use esker_types::Timestamp;
use time::{Date, Month, Time, UtcDateTime};

const MONTHS: [&str; 12] =
    ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
const WEEKDAYS: [&str; 7] = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"];
/// 9999-12-31T23:59:59Z; later times are written as this one.
const SECONDS_MAX: u64 = 253_402_300_799;

/// The calendar form of so many seconds since the epoch.
pub(crate) fn calendar(seconds: u64) -> UtcDateTime {
    let seconds = i64::try_from(seconds.min(SECONDS_MAX)).unwrap_or(0);
    UtcDateTime::from_unix_timestamp(seconds).unwrap_or(UtcDateTime::UNIX_EPOCH)
}

/// As headers write it: `Sun, 06 Nov 1994 08:49:37 GMT`, whole seconds (s3-rules 3).
pub fn format_http_date(time: Timestamp) -> String {
    let at = calendar(time.seconds());
    let (year, month, day) = at.to_calendar_date();
    let (hour, minute, second) = at.as_hms();
    let weekday = WEEKDAYS[usize::from(at.weekday().number_days_from_monday())];
    let month = MONTHS[usize::from(u8::from(month)) - 1];
    format!("{weekday}, {day:02} {month} {year:04} {hour:02}:{minute:02}:{second:02} GMT")
}

/// As XML writes it: `1994-11-06T08:49:37.000Z`, with six fraction digits where the time is not a whole number
/// of milliseconds, so that a client that sorts a key's versions by time gets their order.
pub fn format_iso8601(time: Timestamp) -> String {
    let at = calendar(time.seconds());
    let (year, month, day) = at.to_calendar_date();
    let (hour, minute, second) = at.as_hms();
    let micros = time.micros() % 1_000_000;
    let fraction = match micros % 1000 {
        0 => format!("{:03}", micros / 1000),
        _ => format!("{micros:06}"),
    };
    let month = u8::from(month);
    format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}.{fraction}Z")
}

/// Parses the three forms of RFC 9110, in seconds since the epoch; earlier dates are 0. A two-digit year below
/// 70 is of this century.
pub fn parse_http_date(text: &str) -> Option<u64> {
    if !text.is_ascii() || text.len() > 64 {
        return None;
    }
    let mut words = text.split([' ', ',', '-']).filter(|word| !word.is_empty());
    let weekday = words.next()?;
    WEEKDAYS.iter().find(|name| weekday.starts_with(**name))?;
    let rest: Vec<&str> = words.collect();
    let (day, month, year, clock) = match rest.as_slice() {
        [day, month, year, clock, "GMT"] => (day, month, year, clock),
        [month, day, clock, year] => (day, month, year, clock),
        _ => return None,
    };
    let month = MONTHS.iter().zip(1u8..).find(|(name, _)| *name == month)?.1;
    let year = match (year.len(), digits(year)?) {
        (4, year) => year,
        (2, year) if year < 70 => 2000 + year,
        (2, year) => 1900 + year,
        _ => return None,
    };
    let clock: Vec<u8> = clock.split(':').map(small).collect::<Option<_>>()?;
    let &[hour, minute, second] = clock.as_slice() else { return None };
    to_seconds(i32::try_from(year).ok()?, month, small(day)?, [hour, minute, second.min(59)])
}

/// Parses the form that signatures use, `19941106T084937Z`, in seconds since the epoch.
pub fn parse_amz_date(text: &str) -> Option<u64> {
    let bytes = text.as_bytes();
    if bytes.len() != 16 || !text.is_ascii() || bytes[8] != b'T' || bytes[15] != b'Z' {
        return None;
    }
    let field = |from: usize, to: usize| digits(&text[from..to]);
    let two = |from: usize| u8::try_from(field(from, from + 2)?).ok();
    to_seconds(i32::try_from(field(0, 4)?).ok()?, two(4)?, two(6)?, [two(9)?, two(11)?, two(13)?])
}

/// As signatures write it: `19941106T084937Z`.
pub fn format_amz_date(seconds: u64) -> String {
    let at = calendar(seconds);
    let (year, month, day) = at.to_calendar_date();
    let (hour, minute, second) = at.as_hms();
    format!("{year:04}{:02}{day:02}T{hour:02}{minute:02}{second:02}Z", u8::from(month))
}

fn to_seconds(year: i32, month: u8, day: u8, [hour, minute, second]: [u8; 3]) -> Option<u64> {
    let date = Date::from_calendar_date(year, Month::try_from(month).ok()?, day).ok()?;
    let time = Time::from_hms(hour, minute, second).ok()?;
    Some(u64::try_from(UtcDateTime::new(date, time).unix_timestamp()).unwrap_or(0))
}

fn digits(text: &str) -> Option<u32> {
    let valid = (1..=4).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_digit());
    valid.then(|| text.parse().ok())?
}

fn small(text: &str) -> Option<u8> {
    (text.len() <= 2).then(|| digits(text).and_then(|n| u8::try_from(n).ok()))?
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    // s3-rules 3
    #[test]
    fn the_three_forms_of_rfc_9110_are_one_time() {
        for text in
            ["Sun, 06 Nov 1994 08:49:37 GMT", "Sunday, 06-Nov-94 08:49:37 GMT", "Sun Nov  6 08:49:37 1994"]
        {
            assert_eq!(parse_http_date(text), Some(784_111_777), "{text}");
        }
        assert_eq!(parse_http_date("Mon, 01 Jan 1900 00:00:00 GMT"), Some(0));
        assert_eq!(parse_http_date("Sat, 31 Dec 2016 23:59:60 GMT"), Some(1_483_228_799));
    }

    #[test]
    fn other_texts_are_no_dates() {
        for text in [
            "",
            "yesterday",
            "0",
            "Sun, 06 Nov 1994 08:49:37 CET",
            "Sun, 31 Feb 1994 08:49:37 GMT",
            "Sun, 06 Nov 1994 25:49:37 GMT",
            "Sun, 06 Nov 1994 08:49 GMT",
            "Sun, 06 Nov 199 08:49:37 GMT",
            "Sun, 06 Now 1994 08:49:37 GMT",
            "1994-11-06T08:49:37Z",
        ] {
            assert_eq!(parse_http_date(text), None, "{text}");
        }
    }

    // versioning.md, "Order" 3
    #[test]
    fn a_fraction_has_three_digits_or_six() {
        let text = |micros| format_iso8601(Timestamp(micros));
        assert_eq!(text(784_111_777_000_000), "1994-11-06T08:49:37.000Z");
        assert_eq!(text(784_111_777_120_000), "1994-11-06T08:49:37.120Z");
        assert_eq!(text(784_111_777_120_001), "1994-11-06T08:49:37.120001Z");
        assert_eq!(text(u64::MAX), "9999-12-31T23:59:59.551615Z");
    }

    // s3-rules 3
    #[test]
    fn header_dates_are_whole_seconds() {
        assert_eq!(format_http_date(Timestamp(784_111_777_999_999)), "Sun, 06 Nov 1994 08:49:37 GMT");
    }

    proptest! {
        #[test]
        fn dates_round_trip(seconds in 0..=SECONDS_MAX) {
            let text = format_http_date(Timestamp(seconds * 1_000_000));
            prop_assert_eq!(parse_http_date(&text), Some(seconds), "{}", text);
            prop_assert_eq!(parse_amz_date(&format_amz_date(seconds)), Some(seconds));
        }

        #[test]
        fn later_times_of_one_second_sort_later(a in 0..1_000_000u64, b in 0..1_000_000u64) {
            let (x, y) = (format_iso8601(Timestamp(a)), format_iso8601(Timestamp(b)));
            let digits = |text: &str| text.trim_end_matches('Z').to_owned();
            prop_assert_eq!(digits(&x).cmp(&digits(&y)), a.cmp(&b), "{} {}", x, y);
        }

        #[test]
        fn parsing_never_panics(text in any::<String>()) {
            let _ = (parse_http_date(&text), parse_amz_date(&text));
        }
    }
}
