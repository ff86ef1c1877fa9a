//! Replies, as a client reads them. They come from any server, so unknown elements are passed over.

use crate::error::S3Error;
use crate::xml::tree::{Element, malformed};

/// An entry of a list of versions: an object's version, or a delete marker.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listed {
    /// The key.
    pub key: String,
    /// The version's id, opaque.
    pub version_id: String,
}

/// A page of ListObjectVersions. Versions come first, then delete markers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VersionPage {
    /// Its entries.
    pub entries: Vec<Listed>,
    /// Where the next page begins: a key marker and a version id marker. `None`: this is the last.
    pub next: Option<(String, Option<String>)>,
}

/// A page of ListObjectsV2.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ObjectPage {
    /// Its keys, in the order of the reply.
    pub keys: Vec<String>,
    /// The token that the next page is asked for with. `None`: this is the last.
    pub next: Option<String>,
}

/// A multipart upload that is open.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ListedUpload {
    /// The key.
    pub key: String,
    /// The upload's id.
    pub upload_id: String,
}

/// A page of ListMultipartUploads.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UploadPage {
    /// Its uploads.
    pub uploads: Vec<ListedUpload>,
    /// Whether there are more.
    pub is_truncated: bool,
}

/// Reads a reply of ListObjectVersions.
///
/// # Errors
/// `MalformedXML`
pub fn versions(body: &[u8]) -> Result<VersionPage, S3Error> {
    let root = Element::parse(body, "ListVersionsResult")?;
    let listed = |name: &'static str| root.children.iter().filter(move |child| child.name == name);
    let entry = |element: &Element| {
        Ok(Listed { key: needed(element, "Key")?, version_id: needed(element, "VersionId")? })
    };
    let entries =
        listed("Version").chain(listed("DeleteMarker")).map(entry).collect::<Result<_, S3Error>>()?;
    let next = match is_truncated(&root)? {
        false => None,
        true => {
            let version = root.child_text("NextVersionIdMarker")?.map(str::to_owned);
            Some((needed(&root, "NextKeyMarker")?, version))
        }
    };
    Ok(VersionPage { entries, next })
}

/// Reads a reply of ListObjectsV2.
///
/// # Errors
/// `MalformedXML`
pub fn objects(body: &[u8]) -> Result<ObjectPage, S3Error> {
    let root = Element::parse(body, "ListBucketResult")?;
    let contents = root.children.iter().filter(|child| child.name == "Contents");
    let keys = contents.map(|element| needed(element, "Key")).collect::<Result<_, S3Error>>()?;
    let next = match is_truncated(&root)? {
        false => None,
        true => Some(needed(&root, "NextContinuationToken")?),
    };
    Ok(ObjectPage { keys, next })
}

/// Reads a reply of ListMultipartUploads.
///
/// # Errors
/// `MalformedXML`
pub fn uploads(body: &[u8]) -> Result<UploadPage, S3Error> {
    let root = Element::parse(body, "ListMultipartUploadsResult")?;
    let listed = root.children.iter().filter(|child| child.name == "Upload");
    let upload = |element: &Element| {
        Ok(ListedUpload { key: needed(element, "Key")?, upload_id: needed(element, "UploadId")? })
    };
    let uploads = listed.map(upload).collect::<Result<_, S3Error>>()?;
    Ok(UploadPage { uploads, is_truncated: is_truncated(&root)? })
}

/// The upload id in a reply of CreateMultipartUpload.
///
/// # Errors
/// `MalformedXML`
pub fn upload_id(body: &[u8]) -> Result<String, S3Error> {
    needed(&Element::parse(body, "InitiateMultipartUploadResult")?, "UploadId")
}

/// What a reply of DeleteObjects says was not deleted: keys, and the codes of their errors.
///
/// # Errors
/// `MalformedXML`
pub fn delete_failures(body: &[u8]) -> Result<Vec<(String, String)>, S3Error> {
    let root = Element::parse(body, "DeleteResult")?;
    let errors = root.children.iter().filter(|child| child.name == "Error");
    errors.map(|error| Ok((needed(error, "Key")?, needed(error, "Code")?))).collect()
}

/// The code of an error document, which may also come with a status of success. `None`: the body is no such document.
pub fn error_code(body: &[u8]) -> Option<String> {
    let root = Element::parse(body, "Error").ok()?;
    root.child_text("Code").ok()?.map(str::to_owned)
}

fn needed(element: &Element, name: &str) -> Result<String, S3Error> {
    element.child_text(name)?.map(str::to_owned).ok_or_else(malformed)
}

fn is_truncated(root: &Element) -> Result<bool, S3Error> {
    Ok(root.child_text("IsTruncated")?.is_some_and(|text| text.trim() == "true"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_of_versions_tells_where_the_next_begins() {
        let body = b"<ListVersionsResult xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\"><Name>b</Name>\
            <IsTruncated>true</IsTruncated><NextKeyMarker>b</NextKeyMarker>\
            <NextVersionIdMarker>v1</NextVersionIdMarker>\
            <DeleteMarker><Key>a</Key><VersionId>m</VersionId><Owner><ID>x</ID></Owner></DeleteMarker>\
            <Version><Key>b &amp; c</Key><VersionId>v1</VersionId></Version></ListVersionsResult>";
        let page = versions(body).expect("valid");
        let listed = |key: &str, id: &str| Listed { key: key.to_owned(), version_id: id.to_owned() };
        assert_eq!(page.entries, [listed("b & c", "v1"), listed("a", "m")]);
        assert_eq!(page.next, Some(("b".to_owned(), Some("v1".to_owned()))));
        let last = versions(b"<ListVersionsResult><IsTruncated>false</IsTruncated></ListVersionsResult>");
        assert_eq!(last.expect("valid"), VersionPage { entries: Vec::new(), next: None });
        assert!(
            versions(b"<ListVersionsResult><Version><Key>a</Key></Version></ListVersionsResult>").is_err()
        );
        assert!(
            versions(b"<ListVersionsResult><IsTruncated>true</IsTruncated></ListVersionsResult>").is_err()
        );
    }

    #[test]
    fn a_page_of_objects_keeps_their_order() {
        let body = b"<ListBucketResult><IsTruncated>true</IsTruncated><NextContinuationToken>t</NextContinuationToken>\
            <Contents><Key>b</Key></Contents><Contents><Key>a</Key></Contents></ListBucketResult>";
        let page = objects(body).expect("valid");
        assert_eq!((page.keys, page.next.as_deref()), (vec!["b".to_owned(), "a".to_owned()], Some("t")));
        assert!(objects(b"<ListBucketResult><Contents/></ListBucketResult>").is_err());
    }

    #[test]
    fn uploads_are_read() {
        let id = upload_id(
            b"<InitiateMultipartUploadResult><UploadId>u</UploadId></InitiateMultipartUploadResult>",
        );
        assert_eq!(id.expect("valid"), "u");
        let body = b"<ListMultipartUploadsResult><Upload><Key>k</Key><UploadId>u</UploadId></Upload>\
            <IsTruncated>false</IsTruncated></ListMultipartUploadsResult>";
        let page = uploads(body).expect("valid");
        assert_eq!(page.uploads, [ListedUpload { key: "k".to_owned(), upload_id: "u".to_owned() }]);
        assert!(!page.is_truncated);
    }

    #[test]
    fn errors_are_found_wherever_they_are() {
        let body = b"<DeleteResult><Deleted><Key>a</Key></Deleted><Error><Key>b</Key><Code>InternalError</Code></Error>\
            </DeleteResult>";
        assert_eq!(delete_failures(body).expect("valid"), [("b".to_owned(), "InternalError".to_owned())]);
        assert_eq!(error_code(b"<Error><Code>SlowDown</Code></Error>").as_deref(), Some("SlowDown"));
        assert_eq!(error_code(b"<html>"), None);
        assert_eq!(error_code(b"<DeleteResult/>"), None);
    }
}
