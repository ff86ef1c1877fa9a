//! `Delete`, the body of DeleteObjects (s3-rules 19, 20).

use crate::error::{ErrorCode, S3Error};
use crate::request::conditions::parse_if_match;
use crate::request::target::parse_key;
use crate::request::version::parse_version_id;
use crate::xml::tree::{Element, malformed};
use esker_types::limits::DELETE_OBJECTS_MAX;
use esker_types::{ETagCondition, ObjectKey, VersionId};

/// What DeleteObjects asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeleteRequest {
    /// Whether the reply lists successes.
    pub verbosity: Verbosity,
    /// 1 to 1000 entries.
    pub entries: Vec<DeleteEntry>,
}

/// Whether the reply of DeleteObjects lists successes; errors it always lists.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verbosity {
    /// It does.
    Full,
    /// It does not.
    Quiet,
}

/// One entry. A wrong one fails alone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeleteEntry {
    /// The key as the client wrote it, for the reply.
    pub key: String,
    /// The version as the client wrote it, for the reply.
    pub version: Option<String>,
    /// What to delete, or why the entry fails.
    pub target: Result<DeleteTarget, S3Error>,
}

/// What one entry deletes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeleteTarget {
    /// The key.
    pub key: ObjectKey,
    /// The version to remove for good; `None`: a delete without version id.
    pub version: Option<VersionId>,
    /// The condition, from `<ETag>`.
    pub if_match: Option<ETagCondition>,
}

/// Reads the body.
///
/// # Errors
/// `MalformedXML`, also for no entries or more than 1000, and for elements that are not known: one might be a
/// condition, and a delete must not ignore conditions.
pub fn delete_objects(body: &[u8]) -> Result<DeleteRequest, S3Error> {
    let root = Element::parse(body, "Delete")?;
    root.only(&["Object", "Quiet"])?;
    let verbosity = match root.child_text("Quiet")?.map(|text| text.trim().to_ascii_lowercase()).as_deref() {
        Some("true") => Verbosity::Quiet,
        None | Some("" | "false") => Verbosity::Full,
        Some(_) => return Err(malformed()),
    };
    let objects: Vec<&Element> = root.children.iter().filter(|child| child.name == "Object").collect();
    if !(1..=DELETE_OBJECTS_MAX).contains(&objects.len()) {
        return Err(malformed());
    }
    let entries = objects.into_iter().map(entry).collect::<Result<_, _>>()?;
    Ok(DeleteRequest { verbosity, entries })
}

fn entry(object: &Element) -> Result<DeleteEntry, S3Error> {
    object.only(&["Key", "VersionId", "ETag", "LastModifiedTime", "Size"])?;
    let key = object.child_text("Key")?.filter(|key| !key.is_empty()).ok_or_else(malformed)?.to_owned();
    let version = object.child_text("VersionId")?.map(|id| id.trim().to_owned());
    let etag = object.child_text("ETag")?;
    // S3 has these two for directory buckets only.
    let unknown_condition = object.child("LastModifiedTime")?.is_some() || object.child("Size")?.is_some();
    let target = if unknown_condition {
        Err(ErrorCode::NotImplemented.into())
    } else {
        target(&key, version.as_deref(), etag)
    };
    Ok(DeleteEntry { key, version, target })
}

fn target(key: &str, version: Option<&str>, etag: Option<&str>) -> Result<DeleteTarget, S3Error> {
    // An entry with an empty VersionId must not become a delete without one, nor the other way round.
    let version = version.map(parse_version_id).transpose()?;
    Ok(DeleteTarget { key: parse_key(key.to_owned())?, version, if_match: etag.map(parse_if_match) })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(content: &str) -> Result<DeleteRequest, ErrorCode> {
        delete_objects(format!("<Delete>{content}</Delete>").as_bytes()).map_err(|error| error.code)
    }

    fn only(content: &str) -> Result<DeleteTarget, ErrorCode> {
        let request = read(&format!("<Object>{content}</Object>")).expect("parsed");
        request.entries.into_iter().next().expect("one").target.map_err(|error| error.code)
    }

    // s3-rules 20, 21
    #[test]
    fn entries_have_keys_versions_and_conditions() {
        let target = only("<Key> a&#13;b\t</Key>").expect("valid");
        assert_eq!((target.key.as_str(), target.version, target.if_match), (" a\rb\t", None, None));
        let target = only("<Key>k</Key><VersionId>null</VersionId>").expect("valid");
        assert_eq!(target.version, Some(VersionId::Null));
        let target = only("<Key>k</Key><ETag>*</ETag>").expect("valid");
        assert_eq!(target.if_match, Some(ETagCondition::Any));
        let target = only("<Key>k</Key><ETag>&quot;x&quot;</ETag>").expect("valid");
        assert_eq!(target.if_match, Some(ETagCondition::Tags(vec![])), "no tag of ours: matches nothing");
    }

    // s3-rules 20
    #[test]
    fn a_wrong_entry_fails_alone() {
        let long = "k".repeat(1025);
        let content = format!(
            "<Object><Key>a</Key><VersionId>x</VersionId></Object><Object><Key>b</Key></Object>\
             <Object><Key>{long}</Key></Object><Object><Key>c</Key><VersionId></VersionId></Object>\
             <Object><Key>d</Key><Size>1</Size></Object>"
        );
        let entries = read(&content).expect("parsed").entries;
        let codes: Vec<_> =
            entries.iter().map(|entry| entry.target.as_ref().err().map(|error| error.code)).collect();
        use ErrorCode::{InvalidArgument, KeyTooLong, NotImplemented};
        assert_eq!(
            codes,
            [Some(InvalidArgument), None, Some(KeyTooLong), Some(InvalidArgument), Some(NotImplemented)]
        );
        assert_eq!((entries[0].key.as_str(), entries[0].version.as_deref()), ("a", Some("x")));
    }

    // s3-rules 19
    #[test]
    fn one_to_a_thousand_entries() {
        let many = |n: usize| read(&"<Object><Key>k</Key></Object>".repeat(n));
        assert_eq!(many(1000).map(|request| request.entries.len()), Ok(1000));
        assert_eq!(many(1001), Err(ErrorCode::MalformedXml));
        assert_eq!(many(0), Err(ErrorCode::MalformedXml));
    }

    #[test]
    fn unknown_elements_are_refused() {
        for content in [
            "<Object><Key>k</Key><IfOlderThan/></Object>",
            "<Object/>",
            "<Object><Key/></Object>",
            "<Object><Key>k</Key><Key>l</Key></Object>",
            "<Object><Key>k</Key></Object><Quiet>maybe</Quiet>",
            "<Object><Key>k</Key></Object><Other/>",
        ] {
            assert_eq!(read(content), Err(ErrorCode::MalformedXml), "{content}");
        }
    }

    #[test]
    fn quiet_is_read() {
        let verbosity =
            |quiet: &str| read(&format!("{quiet}<Object><Key>k</Key></Object>")).map(|r| r.verbosity);
        assert_eq!(verbosity("<Quiet>true</Quiet>"), Ok(Verbosity::Quiet));
        assert_eq!(verbosity("<Quiet>false</Quiet>"), Ok(Verbosity::Full));
        assert_eq!(verbosity(""), Ok(Verbosity::Full));
    }
}
