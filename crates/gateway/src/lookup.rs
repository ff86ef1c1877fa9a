//! Finding the version that a read names.

use crate::core::Core;
use crate::reply::{DELETE_MARKER, VERSION_ID, ascii, http_date};
use esker_index::query::{Answer, Detail, Query, VersionAnswer, VersionEntry};
use esker_index::records::{ManifestRecord, ObjectRecord, VersionBody};
use esker_s3::request::embedded_version;
use esker_s3::{ErrorCode, S3Error};
use esker_types::{BucketName, ObjectKey, Timestamp, VersionId, VersioningState};
use hyper::http::{HeaderValue, header};

/// What a read names: a key, and the version or the current one.
#[derive(Clone, Debug)]
pub(crate) struct Wanted<'a> {
    pub(crate) bucket: &'a BucketName,
    pub(crate) key: &'a ObjectKey,
    pub(crate) version: Option<VersionId>,
    pub(crate) detail: Detail,
}

/// What was found.
pub(crate) enum Found {
    /// An object.
    Object(Box<FoundObject>),
    /// A delete marker.
    Marker(FoundMarker),
    /// Nothing.
    Nothing(Naming),
}

/// An object, as of one moment.
pub(crate) struct FoundObject {
    /// The key, which differs from the one asked for if that had a version id embedded.
    pub(crate) key: ObjectKey,
    /// Its version id.
    pub(crate) version: VersionId,
    /// The id that replies show; none in a bucket that never kept versions.
    pub(crate) shown_version: Option<VersionId>,
    pub(crate) last_modified: Timestamp,
    pub(crate) record: ObjectRecord,
    /// Where its bytes are, if that was asked for and it has any.
    pub(crate) manifest: Option<ManifestRecord>,
}

/// A delete marker.
pub(crate) struct FoundMarker {
    version: VersionId,
    last_modified: Timestamp,
    naming: Naming,
}

/// How a request named the version.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Naming {
    /// By its id.
    ById,
    /// As the current one.
    AsCurrent,
}

impl Found {
    /// The object, or what a GET or HEAD answers instead (versioning.md, "GET / HEAD").
    pub(crate) fn for_read(self, key: &ObjectKey) -> Result<Box<FoundObject>, S3Error> {
        match self {
            Found::Object(object) => Ok(object),
            Found::Marker(marker) => Err(marker.read_error(key)),
            Found::Nothing(naming) => Err(absent(naming, key)),
        }
    }

    /// The object, or what a copy that names it as its source answers instead (versioning.md, "Copy").
    pub(crate) fn for_copy(self, key: &ObjectKey) -> Result<Box<FoundObject>, S3Error> {
        match self {
            Found::Object(object) => Ok(object),
            Found::Marker(FoundMarker { naming: Naming::ById, .. }) => Err(S3Error::message(
                ErrorCode::InvalidRequest,
                "The source of a copy request may not specifically refer to a delete marker by version id.",
            )),
            Found::Marker(_) => Err(absent(Naming::AsCurrent, key)),
            Found::Nothing(naming) => Err(absent(naming, key)),
        }
    }
}

impl FoundMarker {
    fn read_error(&self, key: &ObjectKey) -> S3Error {
        let error = match self.naming {
            Naming::AsCurrent => S3Error::new(ErrorCode::NoSuchKey).with_extra("Key", key.as_str()),
            Naming::ById => S3Error::new(ErrorCode::MethodNotAllowed)
                .with_extra("Method", "GET")
                .with_extra("ResourceType", "DeleteMarker")
                .with_header(header::ALLOW, HeaderValue::from_static("DELETE"))
                .with_header(header::LAST_MODIFIED, http_date(self.last_modified)),
        };
        error
            .with_header(DELETE_MARKER, HeaderValue::from_static("true"))
            .with_header(VERSION_ID, ascii(&self.version.to_string()))
    }
}

fn absent(naming: Naming, key: &ObjectKey) -> S3Error {
    let code = match naming {
        Naming::ById => ErrorCode::NoSuchVersion,
        Naming::AsCurrent => ErrorCode::NoSuchKey,
    };
    S3Error::new(code).with_extra("Key", key.as_str())
}

impl Core {
    /// Finds what a read names. A key that has no version at all but ends in `?versionId=ID` names that version
    /// of the rest (s3-rules 37).
    pub(crate) async fn find(&self, wanted: Wanted<'_>) -> Result<Found, S3Error> {
        let answer = self.version(&wanted, wanted.key, wanted.version).await?;
        if !answer.key_exists
            && wanted.version.is_none()
            && let Some((key, version)) = embedded_version(wanted.key)
        {
            let answer = self.version(&wanted, &key, Some(version)).await?;
            return Ok(found(answer, Naming::ById));
        }
        let naming = if wanted.version.is_some() { Naming::ById } else { Naming::AsCurrent };
        Ok(found(answer, naming))
    }

    async fn version(
        &self,
        wanted: &Wanted<'_>,
        key: &ObjectKey,
        version: Option<VersionId>,
    ) -> Result<VersionAnswer, S3Error> {
        let question = |bucket| Query::Version { bucket, key: key.clone(), version, detail: wanted.detail };
        let pick = |answer| match answer {
            Answer::Version(answer) => Some(answer),
            _ => None,
        };
        let (_, answer) = self.ask(wanted.bucket, question, pick).await?;
        Ok(answer)
    }
}

fn found(answer: VersionAnswer, naming: Naming) -> Found {
    let Some(VersionEntry { key, record, .. }) = answer.found else { return Found::Nothing(naming) };
    let (version, last_modified) = (record.id, record.last_modified);
    match record.body {
        VersionBody::DeleteMarker => Found::Marker(FoundMarker { version, last_modified, naming }),
        VersionBody::Object(record) => Found::Object(Box::new(FoundObject {
            key,
            version,
            shown_version: (answer.versioning != VersioningState::Unversioned).then_some(version),
            last_modified,
            record,
            manifest: answer.manifest,
        })),
    }
}
