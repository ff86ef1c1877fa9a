//! The `Range` header (RFC 9110 section 14.2).

use esker_types::RangeSpec;

/// The one range asked for. `None` for malformed texts, other units and several ranges: RFC 9110 lets a server
/// ignore those, and S3 does (s3-rules 4).
pub fn parse_range(text: &str) -> Option<RangeSpec> {
    let (unit, range) = text.split_once('=')?;
    if !unit.trim().eq_ignore_ascii_case("bytes") {
        return None;
    }
    match range.trim().split_once('-')? {
        ("", suffix) => number(suffix).map(RangeSpec::Suffix),
        (first, "") => Some(RangeSpec::FromTo { first: number(first)?, last: None }),
        (first, last) => {
            let (first, last) = (number(first)?, number(last)?);
            (first <= last).then_some(RangeSpec::FromTo { first, last: Some(last) })
        }
    }
}

/// A run of digits; one too large for 64 bits is as good as the largest, since no body is that long.
fn number(digits: &str) -> Option<u64> {
    let valid = !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit());
    valid.then(|| digits.parse().unwrap_or(u64::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    // s3-rules 4
    #[test]
    fn one_well_formed_range_counts_and_everything_else_means_the_whole() {
        assert_eq!(parse_range("bytes=0-9"), Some(RangeSpec::FromTo { first: 0, last: Some(9) }));
        assert_eq!(parse_range("Bytes= 5-"), Some(RangeSpec::FromTo { first: 5, last: None }));
        assert_eq!(parse_range("bytes=-5"), Some(RangeSpec::Suffix(5)));
        assert_eq!(parse_range("bytes=-0"), Some(RangeSpec::Suffix(0)));
        assert_eq!(
            parse_range("bytes=0-99999999999999999999"),
            Some(RangeSpec::FromTo { first: 0, last: Some(u64::MAX) })
        );
        for text in [
            "",
            "bytes",
            "bytes=",
            "bytes=-",
            "bytes=9-5",
            "bytes=a-b",
            "bytes=0-1,3-4",
            "bytes=--5",
            "items=0-1",
            "bytes=+1-2",
            "bytes=1 -2",
        ] {
            assert_eq!(parse_range(text), None, "{text}");
        }
    }
}
