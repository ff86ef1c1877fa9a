//! Numbers as people read them.

/// A time in microseconds, with three digits: `850 µs`, `12.3 ms`, `1.52 s`.
pub fn duration(micros: f64) -> String {
    match micros {
        m if m < 1e3 => format!("{} µs", digits(m)),
        m if m < 1e6 => format!("{} ms", digits(m / 1e3)),
        m => format!("{} s", digits(m / 1e6)),
    }
}

/// Bytes a second, in binary units.
pub fn bytes_per_second(bytes: f64) -> String {
    let units = ["B/s", "KiB/s", "MiB/s", "GiB/s", "TiB/s"];
    let mut value = bytes;
    let mut unit = 0;
    while value >= 1024.0 && unit + 1 < units.len() {
        value /= 1024.0;
        unit += 1;
    }
    format!("{} {}", digits(value), units[unit])
}

/// A number with three digits, or all of those before the point.
pub fn number(value: f64) -> String {
    digits(value)
}

fn digits(value: f64) -> String {
    match value {
        v if v >= 99.95 => format!("{v:.0}"),
        v if v >= 9.995 => format!("{v:.1}"),
        v if v > 0.0 => format!("{v:.2}"),
        _ => "0".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn three_digits_are_shown() {
        assert_eq!(duration(850.0), "850 µs");
        assert_eq!(duration(12_345.0), "12.3 ms");
        assert_eq!(duration(1_519_000.0), "1.52 s");
        assert_eq!(bytes_per_second(0.0), "0 B/s");
        assert_eq!(bytes_per_second(1536.0), "1.50 KiB/s");
        assert_eq!(bytes_per_second(300.0 * 1024.0 * 1024.0), "300 MiB/s");
        assert_eq!(number(12_345.6), "12346");
    }
}
