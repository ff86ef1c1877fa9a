//! How many blobs there are, how many bytes, and up to where their segments go: a row that every commit of the index keeps up to date.

use super::BlobRow;
use crate::format::FormatError;
use crate::format::fields::{u8_at, u64_at};

const VERSION: u8 = 1;

/// What all rows together hold.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Totals {
    pub(crate) blobs: u64,
    /// Bytes of the blobs, without what the format adds.
    pub(crate) bytes: u64,
    /// The highest segment that a row ever pointed to. A new segment has a higher number, even if that one was
    /// lost: otherwise rows would point into the wrong file.
    pub(crate) segment: u64,
}

impl Totals {
    pub(crate) fn add(&mut self, row: &BlobRow) {
        self.blobs += 1;
        self.bytes += row.length;
        let segments = row.places.iter().map(|place| place.segment);
        self.segment = segments.fold(self.segment, u64::max);
    }

    /// The totals once blobs with these totals came and went.
    pub(crate) fn changed(self, came: Totals, went: Totals) -> Totals {
        Totals {
            blobs: (self.blobs + came.blobs).saturating_sub(went.blobs),
            bytes: (self.bytes + came.bytes).saturating_sub(went.bytes),
            segment: self.segment.max(came.segment),
        }
    }

    pub(crate) fn encode(self) -> Vec<u8> {
        let mut bytes = vec![VERSION];
        bytes.extend_from_slice(&self.blobs.to_le_bytes());
        bytes.extend_from_slice(&self.bytes.to_le_bytes());
        bytes.extend_from_slice(&self.segment.to_le_bytes());
        bytes
    }

    pub(crate) fn decode(bytes: &[u8]) -> Result<Totals, FormatError> {
        match u8_at(bytes, 0)? {
            VERSION => {
                Ok(Totals { blobs: u64_at(bytes, 1)?, bytes: u64_at(bytes, 9)?, segment: u64_at(bytes, 17)? })
            }
            other => Err(FormatError::Version(other)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::index::Location;

    #[test]
    fn totals_of_version_1() {
        let totals = Totals { blobs: 3, bytes: 0x0102, segment: 9 };
        assert_eq!(hex::encode(totals.encode()), "01030000000000000002010000000000000900000000000000");
        assert_eq!(Totals::decode(&totals.encode()), Ok(totals));
        assert_eq!(Totals::decode(&[2; 25]), Err(FormatError::Version(2)));
        assert_eq!(Totals::decode(&totals.encode()[..24]), Err(FormatError::Short));
    }

    #[test]
    fn the_highest_segment_stays_when_its_blobs_go() {
        let row = |segment| BlobRow { write: 1, length: 10, places: vec![Location { segment, offset: 0 }] };
        let mut both = Totals::default();
        both.add(&row(7));
        both.add(&row(3));
        assert_eq!(both, Totals { blobs: 2, bytes: 20, segment: 7 });
        let left = both.changed(Totals::default(), both);
        assert_eq!(left, Totals { blobs: 0, bytes: 0, segment: 7 });
    }
}
