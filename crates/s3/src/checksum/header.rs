//! The checksum that a request states, in a header or in an announced trailer.

use super::{header_name, parse, parse_object};
use crate::error::{ErrorCode, S3Error};
use crate::request::headers::header_ascii;
use esker_types::{Checksum, ChecksumAlgorithm, ChecksumType, ObjectChecksum};
use http::HeaderMap;

const PREFIX: &str = "x-amz-checksum-";
/// Headers that share the prefix without being values.
const NOT_VALUES: [&str; 3] = ["x-amz-checksum-algorithm", "x-amz-checksum-type", "x-amz-checksum-mode"];
/// Algorithms that S3 has and Esker has not.
const NOT_IMPLEMENTED: [&str; 5] = ["sha512", "md5", "xxhash64", "xxhash3", "xxhash128"];

/// What a request says about its body's checksum.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ExpectedChecksum {
    /// Its value.
    Value(Checksum),
    /// That a trailer of this algorithm will give its value.
    Trailer(ChecksumAlgorithm),
}

impl ExpectedChecksum {
    /// Parses `x-amz-checksum-*`, `x-amz-trailer` and `x-amz-sdk-checksum-algorithm`. `None`: the request
    /// states no checksum.
    ///
    /// # Errors
    /// `InvalidRequest` for more than one, a malformed value, or an algorithm without a value.
    pub fn parse(headers: &HeaderMap) -> Result<Option<ExpectedChecksum>, S3Error> {
        let value = match single_value(headers)? {
            Some((algorithm, text)) => Some(parse(algorithm, text).ok_or_else(|| invalid_value(algorithm))?),
            None => None,
        };
        let expected = match (value, announced_trailer(headers)?) {
            (Some(_), Some(_)) => return Err(several()),
            (Some(value), None) => Some(ExpectedChecksum::Value(value)),
            (None, Some(algorithm)) => Some(ExpectedChecksum::Trailer(algorithm)),
            (None, None) => None,
        };
        check_sdk_algorithm(headers, expected.as_ref())?;
        Ok(expected)
    }

    /// The algorithm.
    pub fn algorithm(&self) -> ChecksumAlgorithm {
        match self {
            ExpectedChecksum::Value(value) => value.algorithm(),
            ExpectedChecksum::Trailer(algorithm) => *algorithm,
        }
    }
}

/// The checksum of a whole multipart object that CompleteMultipartUpload states; may be composite.
///
/// # Errors
/// As [`ExpectedChecksum::parse`].
pub fn object_checksum(headers: &HeaderMap) -> Result<Option<ObjectChecksum>, S3Error> {
    let Some((algorithm, text)) = single_value(headers)? else { return Ok(None) };
    parse_object(algorithm, text).map(Some).ok_or_else(|| invalid_value(algorithm))
}

/// Parses `x-amz-checksum-type`.
///
/// # Errors
/// `InvalidRequest` for an unknown one.
pub fn checksum_type(headers: &HeaderMap) -> Result<Option<ChecksumType>, S3Error> {
    let Some(text) = header_ascii(headers, "x-amz-checksum-type") else { return Ok(None) };
    [ChecksumType::Composite, ChecksumType::FullObject]
        .into_iter()
        .find(|kind| kind.name().eq_ignore_ascii_case(text))
        .map(Some)
        .ok_or_else(|| invalid("Value for x-amz-checksum-type header is invalid."))
}

/// Parses an algorithm's name in a header such as `x-amz-checksum-algorithm`.
///
/// # Errors
/// `InvalidRequest` for an unknown one.
pub fn algorithm(headers: &HeaderMap, name: &str) -> Result<Option<ChecksumAlgorithm>, S3Error> {
    let Some(text) = header_ascii(headers, name) else { return Ok(None) };
    ChecksumAlgorithm::parse(text).map(Some).ok_or_else(|| {
        invalid(
            "Checksum algorithm provided is unsupported. Please try again with any of the valid types: \
             [CRC32, CRC32C, CRC64NVME, SHA1, SHA256]",
        )
    })
}

/// The checksum that CreateMultipartUpload asks for. CRC-64 is always over the full object and the hashes are
/// always composite, since a hash of the whole does not follow from those of the parts.
///
/// # Errors
/// `InvalidRequest` for an algorithm or type that does not exist, or a pair that does not go together.
pub fn upload_checksum(headers: &HeaderMap) -> Result<Option<(ChecksumAlgorithm, ChecksumType)>, S3Error> {
    let kind = checksum_type(headers)?;
    let Some(algorithm) = algorithm(headers, "x-amz-checksum-algorithm")? else {
        return match kind {
            None => Ok(None),
            Some(_) => Err(invalid(
                "The x-amz-checksum-type header can only be used with the x-amz-checksum-algorithm header.",
            )),
        };
    };
    let only = match algorithm {
        ChecksumAlgorithm::Crc64Nvme => Some(ChecksumType::FullObject),
        ChecksumAlgorithm::Sha1 | ChecksumAlgorithm::Sha256 => Some(ChecksumType::Composite),
        ChecksumAlgorithm::Crc32 | ChecksumAlgorithm::Crc32c => None,
    };
    match (kind, only) {
        (Some(kind), Some(only)) if kind != only => Err(invalid(format!(
            "The {} checksum type cannot be used with the {} checksum algorithm.",
            kind.name(),
            algorithm.name().to_ascii_lowercase()
        ))),
        (kind, only) => Ok(Some((algorithm, kind.or(only).unwrap_or(ChecksumType::Composite)))),
    }
}

fn single_value(headers: &HeaderMap) -> Result<Option<(ChecksumAlgorithm, &str)>, S3Error> {
    let is_value = |name: &&str| name.starts_with(PREFIX) && !NOT_VALUES.contains(name);
    let mut names = headers.keys().map(http::HeaderName::as_str).filter(is_value);
    let Some(name) = names.next() else { return Ok(None) };
    if names.next().is_some() || headers.get_all(name).iter().count() > 1 {
        return Err(several());
    }
    let algorithm = named(name)?;
    // A value that is no text is as malformed as one that is no base64.
    Ok(Some((algorithm, header_ascii(headers, name).unwrap_or_default())))
}

fn named(header: &str) -> Result<ChecksumAlgorithm, S3Error> {
    let name = header.strip_prefix(PREFIX).unwrap_or_default();
    if NOT_IMPLEMENTED.contains(&name) {
        return Err(S3Error::not_implemented(&format!("The checksum algorithm {name}")));
    }
    let known = ChecksumAlgorithm::ALL.into_iter().find(|algorithm| header_name(*algorithm) == header);
    known.ok_or_else(|| invalid("The algorithm type you specified in x-amz-checksum- header is invalid."))
}

fn announced_trailer(headers: &HeaderMap) -> Result<Option<ChecksumAlgorithm>, S3Error> {
    let Some(value) = headers.get("x-amz-trailer") else { return Ok(None) };
    let name = value.to_str().unwrap_or_default().trim().to_ascii_lowercase();
    if !name.starts_with(PREFIX)
        || NOT_VALUES.contains(&name.as_str())
        || headers.get_all("x-amz-trailer").iter().count() > 1
    {
        return Err(invalid("The value specified in the x-amz-trailer header is not supported"));
    }
    named(&name).map(Some)
}

fn check_sdk_algorithm(headers: &HeaderMap, expected: Option<&ExpectedChecksum>) -> Result<(), S3Error> {
    let Some(stated) = algorithm(headers, "x-amz-sdk-checksum-algorithm")? else { return Ok(()) };
    match expected {
        None => Err(invalid(
            "x-amz-sdk-checksum-algorithm specified, but no corresponding x-amz-checksum-* or x-amz-trailer \
             headers were found.",
        )),
        Some(expected) if expected.algorithm() != stated => {
            Err(invalid("Value for x-amz-sdk-checksum-algorithm header is invalid."))
        }
        Some(_) => Ok(()),
    }
}

fn several() -> S3Error {
    invalid("Expecting a single x-amz-checksum- header. Multiple checksum Types are not allowed.")
}

fn invalid_value(algorithm: ChecksumAlgorithm) -> S3Error {
    invalid(format!("Value for {} header is invalid.", header_name(algorithm)))
}

fn invalid(message: impl Into<std::borrow::Cow<'static, str>>) -> S3Error {
    S3Error::message(ErrorCode::InvalidRequest, message)
}

#[cfg(test)]
#[path = "header_tests.rs"]
mod tests;
