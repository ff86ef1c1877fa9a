//! Additional checksums: their texts, the headers that announce them, and their computation.
//!
//! Source: S3 user guide, "Checking object integrity in Amazon S3".

pub mod digests;
pub mod header;
pub mod multipart;

pub use digests::ChecksumState;
pub use header::{ExpectedChecksum, upload_checksum};

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use esker_types::{Checksum, ChecksumAlgorithm, ObjectChecksum};

/// The name of an algorithm's header, `x-amz-checksum-…`.
pub fn header_name(algorithm: ChecksumAlgorithm) -> &'static str {
    match algorithm {
        ChecksumAlgorithm::Crc32 => "x-amz-checksum-crc32",
        ChecksumAlgorithm::Crc32c => "x-amz-checksum-crc32c",
        ChecksumAlgorithm::Crc64Nvme => "x-amz-checksum-crc64nvme",
        ChecksumAlgorithm::Sha1 => "x-amz-checksum-sha1",
        ChecksumAlgorithm::Sha256 => "x-amz-checksum-sha256",
    }
}

/// The name of an algorithm's XML element, `Checksum…`.
pub fn element_name(algorithm: ChecksumAlgorithm) -> &'static str {
    match algorithm {
        ChecksumAlgorithm::Crc32 => "ChecksumCRC32",
        ChecksumAlgorithm::Crc32c => "ChecksumCRC32C",
        ChecksumAlgorithm::Crc64Nvme => "ChecksumCRC64NVME",
        ChecksumAlgorithm::Sha1 => "ChecksumSHA1",
        ChecksumAlgorithm::Sha256 => "ChecksumSHA256",
    }
}

/// A value as headers and XML carry it: base64.
pub fn to_text(checksum: &Checksum) -> String {
    BASE64_STANDARD.encode(checksum.digest())
}

/// An object's value; a composite one ends in `-N` (s3-rules 6).
pub fn object_to_text(checksum: &ObjectChecksum) -> String {
    match checksum.composite_of {
        Some(parts) => format!("{}-{parts}", to_text(&checksum.value)),
        None => to_text(&checksum.value),
    }
}

/// Parses a value; `None` if it is not base64 of the algorithm's length.
pub fn parse(algorithm: ChecksumAlgorithm, text: &str) -> Option<Checksum> {
    Checksum::new(algorithm, BASE64_STANDARD.decode(text).ok()?)
}

/// Parses an object's value, which may end in `-N`.
pub fn parse_object(algorithm: ChecksumAlgorithm, text: &str) -> Option<ObjectChecksum> {
    let (value, composite_of) = match text.split_once('-') {
        Some((value, parts)) => (value, Some(parts.parse().ok().filter(|parts| *parts > 0)?)),
        None => (text, None),
    };
    Some(ObjectChecksum { value: parse(algorithm, value)?, composite_of })
}

#[cfg(test)]
mod tests {
    use super::*;

    // s3-rules 6
    #[test]
    fn composite_values_end_in_their_number_of_parts() {
        let value = Checksum::new(ChecksumAlgorithm::Crc32, [0, 1, 2, 0xff]).expect("4 bytes");
        let whole = ObjectChecksum { value: value.clone(), composite_of: None };
        let composite = ObjectChecksum { value, composite_of: Some(3) };
        assert_eq!(
            (object_to_text(&whole), object_to_text(&composite)),
            ("AAEC/w==".into(), "AAEC/w==-3".into())
        );
        for object in [whole, composite] {
            assert_eq!(parse_object(ChecksumAlgorithm::Crc32, &object_to_text(&object)), Some(object));
        }
    }

    #[test]
    fn malformed_values_are_refused() {
        for text in
            ["", "AAEC", "AAEC/w", "AAEC/w==-", "AAEC/w==-0", "AAEC/w==-x", "AAEC/w==-70000", "AAEC_w=="]
        {
            assert_eq!(parse_object(ChecksumAlgorithm::Crc32, text), None, "{text}");
        }
        assert_eq!(parse(ChecksumAlgorithm::Sha1, "AAEC/w=="), None);
    }
}
