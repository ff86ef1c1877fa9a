//! `versionId` and the `key?versionId=ID` convenience.

use crate::error::S3Error;
use esker_types::{ObjectKey, VersionId};

/// Parses a version id of a query, header or XML element.
///
/// # Errors
/// `InvalidArgument` for anything that is neither `null` nor a version id's text form, and for the empty text
/// (versioning.md, "Version ids").
pub fn parse_version_id(text: &str) -> Result<VersionId, S3Error> {
    let message = match text {
        "" => "Version id cannot be the empty string",
        _ => "Invalid version id specified",
    };
    VersionId::parse(text).map_err(|_| S3Error::invalid_argument("versionId", text, message))
}

/// Splits a key that ends in `?versionId=ID`, which is how people paste a version into tools that know no
/// versions. For GET, HEAD, GetObjectTagging and copy sources only, and only when the literal key has no
/// version at all (s3-rules 37).
pub fn embedded_version(key: &ObjectKey) -> Option<(ObjectKey, VersionId)> {
    let (key, id) = key.as_str().rsplit_once("?versionId=")?;
    Some((ObjectKey::parse(key).ok()?, VersionId::parse(id).ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::ErrorCode;

    const ID: &str = "ffffffff-ffff-8ffe-8123-456789abcdef";

    // versioning.md, "Version ids"
    #[test]
    fn only_null_and_uuids_are_version_ids() {
        assert_eq!(parse_version_id("null"), Ok(VersionId::Null));
        assert_eq!(parse_version_id(ID).map(|id| id.to_string()).as_deref(), Ok(ID));
        for bad in ["", "Null", "x", &ID.to_uppercase(), &ID.replace('-', "")] {
            assert_eq!(parse_version_id(bad).expect_err(bad).code, ErrorCode::InvalidArgument, "{bad}");
        }
    }

    // s3-rules 37
    #[test]
    fn a_version_embedded_in_a_key_is_found() {
        let split = |text: &str| {
            embedded_version(&ObjectKey::parse(text).expect("key"))
                .map(|(key, id)| (key.to_string(), id.to_string()))
        };
        assert_eq!(split("a/b?versionId=null"), Some(("a/b".to_owned(), "null".to_owned())));
        assert_eq!(split(&format!("k?versionId={ID}")), Some(("k".to_owned(), ID.to_owned())));
        assert_eq!(
            split(&format!("k?versionId=x?versionId={ID}")),
            Some(("k?versionId=x".to_owned(), ID.to_owned()))
        );
        for text in ["k", "k?versionId=", "k?versionId=x", "?versionId=null", "k?versionid=null"] {
            assert_eq!(split(text), None, "{text}");
        }
    }
}
