//! Byte ranges (RFC 9110 section 14).

/// A non-empty range of existing bytes: `first..=last`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ByteRange {
    /// Offset of the first byte.
    pub first: u64,
    /// Offset of the last byte, inclusive; `first <= last`.
    pub last: u64,
}

impl ByteRange {
    /// The whole of a body, unless it is empty.
    pub fn whole(size: u64) -> Option<ByteRange> {
        size.checked_sub(1).map(|last| ByteRange { first: 0, last })
    }

    /// How many bytes it covers, at least 1.
    pub fn length(&self) -> u64 {
        self.last - self.first + 1
    }
}

/// One range as a client asks for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RangeSpec {
    /// `bytes=FIRST-LAST` or, with `last: None`, `bytes=FIRST-`.
    FromTo {
        /// Offset of the first byte.
        first: u64,
        /// Offset of the last byte, inclusive; may lie past the end.
        last: Option<u64>,
    },
    /// `bytes=-N`: the last N bytes.
    Suffix(u64),
}

impl RangeSpec {
    /// The bytes meant, of a body of `size` bytes; `None` if there are none (416).
    pub fn resolve(self, size: u64) -> Option<ByteRange> {
        let end = size.checked_sub(1)?;
        match self {
            RangeSpec::FromTo { first, .. } if first > end => None,
            RangeSpec::FromTo { first, last } => {
                Some(ByteRange { first, last: last.map_or(end, |l| l.min(end)) })
            }
            RangeSpec::Suffix(0) => None,
            RangeSpec::Suffix(length) => Some(ByteRange { first: size.saturating_sub(length), last: end }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn resolves_as_rfc_9110_says() {
        let range = |first, last| Some(ByteRange { first, last });
        assert_eq!(RangeSpec::FromTo { first: 0, last: Some(0) }.resolve(1), range(0, 0));
        assert_eq!(RangeSpec::FromTo { first: 5, last: Some(99) }.resolve(10), range(5, 9));
        assert_eq!(RangeSpec::FromTo { first: 5, last: None }.resolve(10), range(5, 9));
        assert_eq!(RangeSpec::FromTo { first: 10, last: None }.resolve(10), None);
        assert_eq!(RangeSpec::Suffix(3).resolve(10), range(7, 9));
        assert_eq!(RangeSpec::Suffix(30).resolve(10), range(0, 9));
        assert_eq!(RangeSpec::Suffix(0).resolve(10), None);
        assert_eq!(RangeSpec::Suffix(1).resolve(0), None);
    }
}
