//! `CompleteMultipartUpload` (s3-rules 16).

use crate::checksum::{self, element_name};
use crate::error::{ErrorCode, S3Error};
use crate::request::object::part_number;
use crate::xml::tree::{Element, malformed};
use esker_types::limits::PART_NUMBER_MAX;
use esker_types::{Checksum, ChecksumAlgorithm, ETag};

/// One part that the client wants in its object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CompletedPart {
    /// Its number, 1–10000.
    pub number: u16,
    /// Its tag. `None`: a text that is no tag of ours, so that no part has it (`InvalidPart`).
    pub etag: Option<ETag>,
    /// The checksums that the client has for it.
    pub checksums: Vec<Checksum>,
}

/// Reads the body: the parts in the order given.
///
/// # Errors
/// `MalformedXML`, also for no parts; `InvalidArgument` for a part number out of range; `InvalidRequest` for a
/// malformed checksum; `NotImplemented` for a checksum that Esker does not have.
pub fn complete_multipart_upload(body: &[u8]) -> Result<Vec<CompletedPart>, S3Error> {
    let root = Element::parse(body, "CompleteMultipartUpload")?;
    root.only(&["Part"])?;
    if !(1..=usize::from(PART_NUMBER_MAX)).contains(&root.children.len()) {
        return Err(malformed());
    }
    root.children.iter().map(part).collect()
}

/// Checks that part numbers ascend strictly.
///
/// # Errors
/// `InvalidPartOrder`
pub fn check_part_order(parts: &[CompletedPart]) -> Result<(), S3Error> {
    let ascending = parts.windows(2).all(|pair| pair[0].number < pair[1].number);
    if ascending { Ok(()) } else { Err(ErrorCode::InvalidPartOrder.into()) }
}

fn part(part: &Element) -> Result<CompletedPart, S3Error> {
    let number = part_number(part.child_text("PartNumber")?.ok_or_else(malformed)?.trim())?;
    let etag = ETag::parse(part.child_text("ETag")?.ok_or_else(malformed)?.trim()).ok();
    let mut checksums = Vec::new();
    for child in part.children.iter().filter(|child| child.name.starts_with("Checksum")) {
        let algorithm = ChecksumAlgorithm::ALL.into_iter().find(|a| element_name(*a) == child.name);
        let algorithm = algorithm.ok_or_else(|| S3Error::not_implemented(&child.name))?;
        let text = part.child_text(&child.name)?.unwrap_or_default().trim();
        checksums.push(checksum::parse(algorithm, text).ok_or_else(|| {
            S3Error::message(ErrorCode::InvalidRequest, format!("Value for {} is invalid.", child.name))
        })?);
    }
    Ok(CompletedPart { number, etag, checksums })
}

#[cfg(test)]
mod tests {
    use super::*;

    const TAG: &str = "d41d8cd98f00b204e9800998ecf8427e";

    fn read(content: &str) -> Result<Vec<CompletedPart>, ErrorCode> {
        let body = format!("<CompleteMultipartUpload>{content}</CompleteMultipartUpload>");
        complete_multipart_upload(body.as_bytes()).map_err(|error| error.code)
    }

    fn part_xml(number: &str, rest: &str) -> String {
        format!("<Part><PartNumber>{number}</PartNumber><ETag>{TAG}</ETag>{rest}</Part>")
    }

    // s3-rules 16
    #[test]
    fn tags_may_be_unquoted() {
        let quoted = format!("<Part><ETag>&quot;{TAG}&quot;</ETag><PartNumber>1</PartNumber></Part>");
        assert_eq!(read(&quoted), read(&part_xml("1", "")));
        let foreign = read("<Part><ETag>x</ETag><PartNumber>1</PartNumber></Part>").expect("parsed");
        assert_eq!(foreign[0].etag, None);
    }

    // s3-rules 16
    #[test]
    fn order_is_strictly_ascending() {
        let order = |numbers: [&str; 2]| {
            let parts = read(&numbers.map(|number| part_xml(number, "")).concat()).expect("parsed");
            check_part_order(&parts).map_err(|error| error.code)
        };
        assert_eq!(order(["1", "3"]), Ok(()));
        assert_eq!(order(["3", "1"]), Err(ErrorCode::InvalidPartOrder));
        assert_eq!(order(["1", "1"]), Err(ErrorCode::InvalidPartOrder));
    }

    // s3-rules 15, 16
    #[test]
    fn malformed_lists_are_refused() {
        assert_eq!(read(""), Err(ErrorCode::MalformedXml));
        assert_eq!(read("<Other/>"), Err(ErrorCode::MalformedXml));
        assert_eq!(read("<Part><PartNumber>1</PartNumber></Part>"), Err(ErrorCode::MalformedXml));
        assert_eq!(read(&format!("<Part><ETag>{TAG}</ETag></Part>")), Err(ErrorCode::MalformedXml));
        for number in ["0", "10001", "-1", "x", "99999999999"] {
            assert_eq!(read(&part_xml(number, "")), Err(ErrorCode::InvalidArgument), "{number}");
        }
        assert_eq!(read(&part_xml("10000", "")).map(|parts| parts.len()), Ok(1));
    }

    #[test]
    fn checksums_are_read_and_never_ignored() {
        let parts = read(&part_xml("1", "<ChecksumCRC32>AAEC/w==</ChecksumCRC32>")).expect("parsed");
        assert_eq!(parts[0].checksums[0].digest(), [0, 1, 2, 0xff]);
        let malformed = part_xml("1", "<ChecksumCRC32>AA</ChecksumCRC32>");
        assert_eq!(read(&malformed), Err(ErrorCode::InvalidRequest));
        let unknown = part_xml("1", "<ChecksumMD5>AA</ChecksumMD5>");
        assert_eq!(read(&unknown), Err(ErrorCode::NotImplemented));
    }

    #[test]
    fn ten_thousand_parts_with_checksums_fit_the_limits() {
        let digest = "A".repeat(43) + "=";
        let part = |n: u16| part_xml(&n.to_string(), &format!("<ChecksumSHA256>{digest}</ChecksumSHA256>"));
        let content: String = (1..=PART_NUMBER_MAX).map(part).collect();
        assert!((content.len() as u64) < crate::body::BodyKind::CompleteMultipartUpload.bytes_max());
        assert_eq!(read(&content).map(|parts| parts.len()), Ok(10_000));
        assert_eq!(read(&(content + &part_xml("1", ""))), Err(ErrorCode::MalformedXml));
    }
}
