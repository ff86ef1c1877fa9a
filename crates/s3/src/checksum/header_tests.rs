//! What checksum headers say, and which ones are refused.

use super::*;
use http::{HeaderName, HeaderValue};

fn headers(pairs: &[(&'static str, &'static str)]) -> HeaderMap {
    let pair = |(name, value): &(&'static str, &'static str)| {
        (HeaderName::from_static(name), HeaderValue::from_static(value))
    };
    pairs.iter().map(pair).collect()
}

fn expected(pairs: &[(&'static str, &'static str)]) -> Result<Option<ChecksumAlgorithm>, ErrorCode> {
    match ExpectedChecksum::parse(&headers(pairs)) {
        Ok(expected) => Ok(expected.map(|expected| expected.algorithm())),
        Err(error) => Err(error.code),
    }
}

#[test]
fn at_most_one_checksum_is_stated() {
    const CRC: (&str, &str) = ("x-amz-checksum-crc32", "AAEC/w==");
    const TRAILER: (&str, &str) = ("x-amz-trailer", "x-amz-checksum-crc32c");
    assert_eq!(expected(&[]), Ok(None));
    assert_eq!(
        expected(&[("x-amz-checksum-mode", "ENABLED"), ("x-amz-checksum-type", "COMPOSITE")]),
        Ok(None)
    );
    assert_eq!(expected(&[CRC]), Ok(Some(ChecksumAlgorithm::Crc32)));
    assert_eq!(expected(&[TRAILER]), Ok(Some(ChecksumAlgorithm::Crc32c)));
    assert_eq!(
        expected(&[CRC, ("x-amz-sdk-checksum-algorithm", "CRC32")]),
        Ok(Some(ChecksumAlgorithm::Crc32))
    );
    assert_eq!(expected(&[CRC, TRAILER]), Err(ErrorCode::InvalidRequest));
    assert_eq!(expected(&[CRC, ("x-amz-checksum-crc32c", "AAEC/w==")]), Err(ErrorCode::InvalidRequest));
    assert_eq!(expected(&[CRC, ("x-amz-sdk-checksum-algorithm", "SHA1")]), Err(ErrorCode::InvalidRequest));
    assert_eq!(expected(&[("x-amz-sdk-checksum-algorithm", "CRC32")]), Err(ErrorCode::InvalidRequest));
    assert_eq!(expected(&[("x-amz-sdk-checksum-algorithm", "XX")]), Err(ErrorCode::InvalidRequest));
}

#[test]
fn malformed_and_unknown_checksums_are_refused() {
    for (name, value, code) in [
        ("x-amz-checksum-crc32", "", ErrorCode::InvalidRequest),
        ("x-amz-checksum-crc32", "AAEC", ErrorCode::InvalidRequest),
        ("x-amz-checksum-crc32", "not base64", ErrorCode::InvalidRequest),
        ("x-amz-checksum-adler", "AAEC/w==", ErrorCode::InvalidRequest),
        ("x-amz-checksum-sha512", "AAEC/w==", ErrorCode::NotImplemented),
        ("x-amz-trailer", "x-amz-meta-a", ErrorCode::InvalidRequest),
        ("x-amz-trailer", "x-amz-checksum-crc32,x-amz-checksum-sha1", ErrorCode::InvalidRequest),
        ("x-amz-trailer", "x-amz-checksum-type", ErrorCode::InvalidRequest),
    ] {
        assert_eq!(expected(&[(name, value)]), Err(code), "{name}: {value}");
    }
}

#[test]
fn an_upload_chooses_an_algorithm_and_a_type_that_go_together() {
    use ChecksumAlgorithm::{Crc32, Crc32c, Crc64Nvme, Sha1, Sha256};
    use ChecksumType::{Composite, FullObject};
    let chosen = |algorithm: &'static str, kind: Option<&'static str>| {
        let mut pairs = vec![("x-amz-checksum-algorithm", algorithm)];
        pairs.extend(kind.map(|kind| ("x-amz-checksum-type", kind)));
        upload_checksum(&headers(&pairs)).map_err(|error| error.message.into_owned())
    };
    for (algorithm, kind, expected) in [
        ("CRC32", None, (Crc32, Composite)),
        ("crc32c", None, (Crc32c, Composite)),
        ("CRC32", Some("FULL_OBJECT"), (Crc32, FullObject)),
        ("CRC32C", Some("COMPOSITE"), (Crc32c, Composite)),
        ("CRC64NVME", None, (Crc64Nvme, FullObject)),
        ("CRC64NVME", Some("FULL_OBJECT"), (Crc64Nvme, FullObject)),
        ("SHA1", None, (Sha1, Composite)),
        ("SHA256", Some("COMPOSITE"), (Sha256, Composite)),
    ] {
        assert_eq!(chosen(algorithm, kind), Ok(Some(expected)), "{algorithm} {kind:?}");
    }
    assert_eq!(
        chosen("SHA1", Some("FULL_OBJECT")).unwrap_err(),
        "The FULL_OBJECT checksum type cannot be used with the sha1 checksum algorithm."
    );
    assert!(chosen("CRC64NVME", Some("COMPOSITE")).is_err());
    assert!(chosen("MD4", None).is_err());
    assert!(chosen("CRC32", Some("BOTH")).is_err());
    assert_eq!(upload_checksum(&headers(&[])), Ok(None));
    assert!(upload_checksum(&headers(&[("x-amz-checksum-type", "COMPOSITE")])).is_err());
}

#[test]
fn complete_may_state_a_composite_checksum() {
    let stated = object_checksum(&headers(&[("x-amz-checksum-crc32", "AAEC/w==-2")])).expect("valid");
    assert_eq!(stated.expect("stated").composite_of, Some(2));
    assert_eq!(object_checksum(&headers(&[])), Ok(None));
}
