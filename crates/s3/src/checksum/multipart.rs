//! What follows from the parts of a multipart object without reading them again: its ETag and its checksum.
//!
//! Source: S3 user guide, "Composite and full object checksums"; s3-rules 7.

use super::digests::{ChecksumState, crc_bytes, crc_of};
use crate::md5::Md5;
use esker_types::{Checksum, ChecksumAlgorithm, ChecksumType, ETag, ObjectChecksum};

/// Why parts give no checksum of the asked kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PartsChecksumError {
    /// A part's checksum is of another algorithm.
    #[error("part {0} (counted from 1) has a checksum of another algorithm")]
    OtherAlgorithm(usize),
    /// A hash of the whole does not follow from the hashes of the parts.
    #[error("{} of a full object does not follow from its parts", .0.name())]
    NotCombinable(ChecksumAlgorithm),
    /// A multipart object has 1 to 10,000 parts.
    #[error("{0} parts")]
    PartCount(usize),
}

/// The ETag of a multipart object: the MD5 of its parts' binary MD5s, and their number. `None` unless there are
/// 1 to 65535 parts.
pub fn multipart_etag(parts: impl IntoIterator<Item = ETag>) -> Option<ETag> {
    let mut md5 = Md5::default();
    let mut count: u16 = 0;
    for part in parts {
        md5.update(&part.md5());
        count = count.checked_add(1)?;
    }
    (count > 0).then(|| ETag::of_parts(md5.finish(), count))
}

/// The checksum of a multipart object of these parts, each with its length in bytes.
///
/// # Errors
/// See [`PartsChecksumError`].
pub fn multipart_checksum(
    algorithm: ChecksumAlgorithm,
    kind: ChecksumType,
    parts: &[(Checksum, u64)],
) -> Result<ObjectChecksum, PartsChecksumError> {
    let count = u16::try_from(parts.len()).ok().filter(|count| *count > 0);
    let count = count.ok_or(PartsChecksumError::PartCount(parts.len()))?;
    if let Some(at) = parts.iter().position(|(part, _)| part.algorithm() != algorithm) {
        return Err(PartsChecksumError::OtherAlgorithm(at + 1));
    }
    match kind {
        ChecksumType::Composite => {
            let mut state = ChecksumState::new(algorithm);
            parts.iter().for_each(|(part, _)| state.update(part.digest()));
            Ok(ObjectChecksum { value: state.finish(), composite_of: Some(count) })
        }
        ChecksumType::FullObject => {
            let crc = crc_of(algorithm).ok_or(PartsChecksumError::NotCombinable(algorithm))?;
            let number = |part: &Checksum| part.digest().iter().fold(0, |n, byte| n << 8 | u64::from(*byte));
            // The CRC of nothing is the neutral element, so that empty parts change nothing.
            let nothing = number(&ChecksumState::new(algorithm).finish());
            let whole =
                parts.iter().filter(|(_, length)| *length > 0).fold(nothing, |whole, (part, length)| {
                    crc_fast::checksum_combine(crc, whole, number(part), *length)
                });
            let value = Checksum::new(algorithm, crc_bytes(algorithm, whole));
            let value = value.ok_or(PartsChecksumError::NotCombinable(algorithm))?;
            Ok(ObjectChecksum { value, composite_of: None })
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::checksum::object_to_text;
    use proptest::prelude::*;

    const CRCS: [ChecksumAlgorithm; 3] =
        [ChecksumAlgorithm::Crc32, ChecksumAlgorithm::Crc32c, ChecksumAlgorithm::Crc64Nvme];

    fn parts(algorithm: ChecksumAlgorithm, bodies: &[Vec<u8>]) -> Vec<(Checksum, u64)> {
        bodies.iter().map(|body| (ChecksumState::of(algorithm, body), body.len() as u64)).collect()
    }

    // s3-rules 7
    #[test]
    fn the_etag_is_golden() {
        let part = |body: &[u8]| ETag::of_body(Md5::of(body));
        let etag = multipart_etag([part(b"a"), part(b"b")]).expect("two parts");
        assert_eq!(etag.quoted(), "\"96e024ba2074fe77e8e965ba43a704be-2\"");
        assert_eq!(multipart_etag([]), None);
    }

    // s3-rules 6
    #[test]
    fn composite_values_are_golden() {
        let bodies = [b"a".to_vec(), b"b".to_vec()];
        let text = |algorithm| {
            let parts = parts(algorithm, &bodies);
            object_to_text(&multipart_checksum(algorithm, ChecksumType::Composite, &parts).expect("valid"))
        };
        assert_eq!(text(ChecksumAlgorithm::Sha256), "5aAf7hTg7VxIcU8iGA8lrYNltT+XefedxKPX6Tlj+Uo=-2");
        assert_eq!(text(ChecksumAlgorithm::Sha1), "AFZUCsYjfQJj3Q+qRcccc7xIDzQ=-2");
        assert_eq!(text(ChecksumAlgorithm::Crc32), "7pJxdw==-2");
    }

    #[test]
    fn what_does_not_follow_is_refused() {
        let sha = parts(ChecksumAlgorithm::Sha256, &[vec![1]]);
        let error = multipart_checksum(ChecksumAlgorithm::Sha256, ChecksumType::FullObject, &sha);
        assert_eq!(error, Err(PartsChecksumError::NotCombinable(ChecksumAlgorithm::Sha256)));
        let error = multipart_checksum(ChecksumAlgorithm::Crc32, ChecksumType::Composite, &sha);
        assert_eq!(error, Err(PartsChecksumError::OtherAlgorithm(1)));
        let error = multipart_checksum(ChecksumAlgorithm::Crc32, ChecksumType::Composite, &[]);
        assert_eq!(error, Err(PartsChecksumError::PartCount(0)));
    }

    proptest! {
        #[test]
        fn combined_crcs_are_the_crc_of_the_whole(bodies in proptest::collection::vec(any::<Vec<u8>>(), 1..6)) {
            for algorithm in CRCS {
                let combined = multipart_checksum(algorithm, ChecksumType::FullObject, &parts(algorithm, &bodies));
                prop_assert_eq!(combined.expect("combinable").value, ChecksumState::of(algorithm, &bodies.concat()));
            }
        }
    }
}
