//! Version order and version ids.

use std::fmt;
use uuid::Uuid;

/// The place of a mutation in its bucket's total order: 1 for the first, +1 for each that commits.
///
/// Fits 60 bits, since that is what a version id carries of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Sequence(pub u64);

/// The largest sequence that a version id can carry.
pub const SEQUENCE_MAX: u64 = (1 << 60) - 1;

/// The id of a version that is not the null version: a UUID (RFC 9562, version 8) whose first 60 free bits
/// hold the inverted sequence, so that a newer version's id sorts before an older one's, and whose last 62
/// bits are entropy of the command that made it.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct VersionUuid(Uuid);

impl VersionUuid {
    /// The id of the version made at `sequence`; `entropy` supplies the low 62 bits.
    ///
    /// # Panics
    /// If `sequence` exceeds [`SEQUENCE_MAX`], which no bucket reaches.
    pub fn new(sequence: Sequence, entropy: u64) -> VersionUuid {
        assert!(sequence.0 <= SEQUENCE_MAX, "a bucket's sequence exceeds 60 bits");
        let inverted = SEQUENCE_MAX - sequence.0;
        let high = (inverted >> 12) << 16 | 0x8000 | (inverted & 0xfff);
        let low = 0b10 << 62 | (entropy & (u64::MAX >> 2));
        VersionUuid(Uuid::from_u64_pair(high, low))
    }

    /// The id with these bits, if they are of this layout.
    pub fn from_uuid(uuid: Uuid) -> Option<VersionUuid> {
        let (high, low) = uuid.as_u64_pair();
        (high & 0xf000 == 0x8000 && low >> 62 == 0b10).then_some(VersionUuid(uuid))
    }

    /// The sequence at which the version was made.
    pub fn sequence(&self) -> Sequence {
        let (high, _) = self.0.as_u64_pair();
        Sequence(SEQUENCE_MAX - (high >> 16 << 12 | (high & 0xfff)))
    }

    /// The 62 bits of entropy.
    pub fn entropy(&self) -> u64 {
        self.0.as_u64_pair().1 & (u64::MAX >> 2)
    }

    /// All bits.
    pub fn uuid(&self) -> Uuid {
        self.0
    }
}

impl fmt::Display for VersionUuid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.as_hyphenated().fmt(f)
    }
}

impl fmt::Debug for VersionUuid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// What a client calls a version.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum VersionId {
    /// The one version of a key whose id is the literal `null`.
    Null,
    /// A version with an id of its own.
    Id(VersionUuid),
}

/// The text is neither `null` nor a version id's text form.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("invalid version id specified")]
pub struct InvalidVersionId;

impl VersionId {
    /// Parses `null` or a lower-case hyphenated UUID. Any UUID is well-formed: one that the server never made
    /// names no version, which is a 404 and not a 400.
    pub fn parse(text: &str) -> Result<VersionId, InvalidVersionId> {
        if text == "null" {
            return Ok(VersionId::Null);
        }
        parse_hyphenated(text).map(|uuid| VersionId::Id(VersionUuid(uuid))).ok_or(InvalidVersionId)
    }
}

impl fmt::Display for VersionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            VersionId::Null => f.write_str("null"),
            VersionId::Id(id) => id.fmt(f),
        }
    }
}

pub(crate) fn parse_hyphenated(text: &str) -> Option<Uuid> {
    let hyphenated = text.len() == 36 && !text.bytes().any(|b| b.is_ascii_uppercase());
    if hyphenated { Uuid::try_parse(text).ok() } else { None }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn text_form_is_golden() {
        let id = VersionUuid::new(Sequence(1), 0x0123_4567_89ab_cdef);
        assert_eq!(id.to_string(), "ffffffff-ffff-8ffe-8123-456789abcdef");
        assert_eq!(VersionId::parse("ffffffff-ffff-8ffe-8123-456789abcdef"), Ok(VersionId::Id(id)));
    }

    #[test]
    fn malformed_ids_are_refused() {
        for text in
            ["", "NULL", "FFFFFFFF-ffff-8ffe-8123-456789abcdef", "ffffffffffff8ffe8123456789abcdef", "x"]
        {
            assert_eq!(VersionId::parse(text), Err(InvalidVersionId), "{text:?}");
        }
    }

    proptest! {
        #[test]
        fn newer_ids_sort_first_and_carry_their_sequence(a in 0..=SEQUENCE_MAX, b in 0..=SEQUENCE_MAX, e: u64, f: u64) {
            let (x, y) = (VersionUuid::new(Sequence(a), e), VersionUuid::new(Sequence(b), f));
            prop_assert_eq!(x.sequence(), Sequence(a));
            prop_assert_eq!(VersionUuid::from_uuid(x.uuid()), Some(x));
            if a < b {
                prop_assert!(x.to_string() > y.to_string());
            }
        }
    }
}
