//! S3's operations as the gateway does them, on the traits that it uses.

use super::content::{INLINE_BYTES_MAX, bytes, tag, value_of};
use crate::world::plan::Versioning;
use bytes::{Bytes, BytesMut};
use esker_checker::{Condition, Entry, Listed, ReadOutcome, Value, WriteOutcome};
use esker_env::{Clock, Random};
use esker_index::command::{CommandBody, NewData, NewObject, StoredData, Target};
use esker_index::outcome::{Done, Outcome, Refusal};
use esker_index::query::{Answer, Detail, KeyFilter, Query, VersionAnswer};
use esker_index::records::{ManifestBody, VersionBody};
use esker_rpc::{BlobBody, BlobStore, Metadata, MetadataError, Proposal, StorageError};
use esker_types::{
    BlobId, BucketId, BucketName, ByteRange, CHUNK_BYTES, DataId, ETagCondition, GroupId, NodeId, ObjectKey,
    RequestId, VersionId, VersionUuid, VersioningState, WriteCondition, blobs_of,
};
use futures::{StreamExt as _, TryStreamExt as _};
use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::sleep;

const GROUP: GroupId = GroupId::DIRECTORY;
/// How long a command may take, in milliseconds.
const DEADLINE_MILLIS: u64 = 8_000;
/// Largest piece of a body, in bytes.
const PIECE_BYTES: usize = 64 << 10;
/// A slow body comes in so many pieces.
const SLOW_PIECES: usize = 6;
/// More versions than any simulation makes.
const VERSIONS_MAX: usize = 100_000;

/// The bucket of all clients.
pub fn bucket() -> BucketId {
    BucketId(1)
}

/// What an operation works with.
#[derive(Clone)]
pub struct Session {
    /// The index.
    pub metadata: Arc<dyn Metadata>,
    /// The data.
    pub blobs: Arc<dyn BlobStore>,
    /// The cluster's time.
    pub clock: Arc<dyn Clock>,
    /// For ids.
    pub random: Arc<dyn Random>,
}

/// Why nothing can be said of a read.
#[derive(Debug)]
pub enum Unread {
    /// Somebody did not answer.
    Failed(String),
    /// What is there can't be.
    Wrong(String),
}

impl Session {
    async fn propose(&self, body: CommandBody) -> Result<Outcome, MetadataError> {
        let proposal = Proposal {
            request: RequestId(self.random.uuid_v4()),
            deadline: self.clock.now().plus_millis(DEADLINE_MILLIS),
            body,
        };
        self.metadata.propose(GROUP, proposal).await
    }

    async fn query(&self, query: Query) -> Result<Answer, MetadataError> {
        self.metadata.query(GROUP, query).await
    }

    /// Puts a value. `pause` is what the client takes for each of a few pieces of the body.
    pub async fn put(
        &self,
        key: &ObjectKey,
        value: Value,
        condition: Condition,
        pause: Duration,
    ) -> WriteOutcome {
        let body = bytes(value);
        let size = body.len() as u64;
        let data = match size {
            0 => NewData::Empty,
            1..=INLINE_BYTES_MAX => NewData::Inline(body),
            _ => match self.store(body, pause).await {
                Ok(stored) => NewData::Stored(stored),
                // It was not committed and won't be.
                Err(_) => return WriteOutcome::Failed,
            },
        };
        let object = NewObject { size, etag: tag(value), checksum: None, headers: Vec::new(), data };
        let target = Target { bucket: bucket(), key: key.clone() };
        let command = CommandBody::PutObject {
            target,
            object,
            condition: write_condition(condition),
            entropy: self.random.u64(),
        };
        written(self.propose(command).await)
    }

    /// Hides a key behind a delete marker.
    pub async fn delete(&self, key: &ObjectKey, condition: Condition) -> WriteOutcome {
        let condition = match condition {
            Condition::IfMatch(value) => Some(ETagCondition::Tags(vec![tag(value)])),
            Condition::Always | Condition::IfAbsent => None,
        };
        let target = Target { bucket: bucket(), key: key.clone() };
        let command =
            CommandBody::DeleteObject { target, version: None, condition, entropy: self.random.u64() };
        written(self.propose(command).await)
    }

    async fn store(&self, body: Bytes, pause: Duration) -> Result<StoredData, StorageError> {
        let length = body.len() as u64;
        let data = DataId::new(self.clock.now().millis(), GROUP, self.random.u64());
        let mut late: BTreeSet<NodeId> = BTreeSet::new();
        for (blob, bytes) in blobs_of(data, length) {
            let start = usize::try_from(u64::from(blob.chunk) * CHUNK_BYTES).unwrap_or(0);
            let chunk = body.slice(start..start + usize::try_from(bytes).unwrap_or(0));
            match self.blobs.put(blob, paced(&chunk, pause)).await {
                Ok(stored) => late.extend(stored.late),
                Err(error) => {
                    // If this is lost, too, the sweep for orphans finds it.
                    let _ = self.propose(CommandBody::Discard { data: vec![(data, length)] }).await;
                    return Err(error);
                }
            }
        }
        Ok(StoredData { data, late: late.into_iter().collect() })
    }

    /// Reads the key, or one of its versions.
    pub async fn get(&self, key: &ObjectKey, version: Option<VersionId>) -> Result<ReadOutcome, Unread> {
        let answer = self.resolve(key, version).await?;
        let Some((value, id)) = current(&answer) else { return Ok(ReadOutcome::NotFound) };
        match self.data(&answer).await {
            Ok(found) if found == bytes(value) => Ok(ReadOutcome::Found(value, id)),
            Ok(_) => Err(Unread::Wrong(format!("{value} of {key:?} was read with other bytes"))),
            // What is not a version any more may be gone.
            Err(Unread::Wrong(what)) => match current(&self.resolve(key, version).await?) {
                Some((same, _)) if same == value => Err(Unread::Wrong(what)),
                _ => Err(Unread::Failed(what)),
            },
            Err(error) => Err(error),
        }
    }

    async fn resolve(&self, key: &ObjectKey, version: Option<VersionId>) -> Result<VersionAnswer, Unread> {
        let query = Query::Version { bucket: bucket(), key: key.clone(), version, detail: Detail::Manifest };
        match self.query(query).await {
            Ok(Answer::Version(Some(answer))) => Ok(answer),
            Ok(other) => Err(Unread::Wrong(format!("the bucket is not there: {other:?}"))),
            Err(error) => Err(Unread::Failed(error.to_string())),
        }
    }

    /// The blobs of the key's current version, or of another, with their lengths.
    pub async fn blobs_of(
        &self,
        key: &ObjectKey,
        version: Option<VersionId>,
    ) -> Result<Vec<(BlobId, u64)>, Unread> {
        let answer = self.resolve(key, version).await?;
        let Some(ManifestBody::Extents(extents)) = answer.manifest.map(|manifest| manifest.body) else {
            return Ok(Vec::new());
        };
        Ok(extents.iter().flat_map(|extent| blobs_of(extent.data, extent.length)).collect())
    }

    async fn data(&self, answer: &VersionAnswer) -> Result<Bytes, Unread> {
        let Some(manifest) = &answer.manifest else { return Ok(Bytes::new()) };
        let extents = match &manifest.body {
            ManifestBody::Inline(bytes) => return Ok(bytes.clone()),
            ManifestBody::Extents(extents) => extents,
        };
        let mut all = BytesMut::new();
        for extent in extents {
            for (blob, length) in blobs_of(extent.data, extent.length) {
                all.extend_from_slice(&self.blob(blob, length).await?);
            }
        }
        Ok(all.freeze())
    }

    async fn blob(&self, blob: BlobId, length: u64) -> Result<Bytes, Unread> {
        let unread = |error: StorageError| match error {
            // Whatever a version points to must be there.
            StorageError::NotFound | StorageError::Corrupt(_) | StorageError::OutOfRange => {
                Unread::Wrong(format!("{blob:?}, which a version points to: {error}"))
            }
            error => Unread::Failed(error.to_string()),
        };
        let range = ByteRange { first: 0, last: length - 1 };
        let reader = self.blobs.get(blob, range).await.map_err(unread)?;
        let pieces: Vec<Bytes> = reader.try_collect().await.map_err(unread)?;
        Ok(Bytes::from(pieces.concat()))
    }

    /// All versions in one page, in the list's order.
    pub async fn list(&self) -> Result<Vec<Listed>, MetadataError> {
        let query = Query::Versions {
            bucket: bucket(),
            filter: KeyFilter::default(),
            after: None,
            limit: VERSIONS_MAX,
        };
        let Answer::Versions(Some(page)) = self.query(query).await? else {
            return Err(MetadataError::Failed("the bucket is not there".to_owned()));
        };
        let listed = page.entries.into_iter().filter_map(|entry| {
            let VersionId::Id(version) = entry.record.id else { return None };
            let found = match &entry.record.body {
                VersionBody::DeleteMarker => Entry::DeleteMarker,
                VersionBody::Object(object) => Entry::Object(value_of(&object.etag)),
            };
            Some(Listed { key: entry.key.as_str().to_owned(), version, entry: found })
        });
        Ok(listed.collect())
    }
}

/// The pieces of a body, each after a pause.
fn paced(body: &Bytes, pause: Duration) -> BlobBody {
    let piece_bytes = if pause.is_zero() { PIECE_BYTES } else { body.len().div_ceil(SLOW_PIECES).max(1) };
    let pieces: Vec<Bytes> = body.chunks(piece_bytes).map(|piece| body.slice_ref(piece)).collect();
    let paced = futures::stream::iter(pieces).then(move |piece| async move {
        if !pause.is_zero() {
            sleep(pause).await;
        }
        Ok(piece)
    });
    paced.boxed()
}

/// The object that an answer shows: its value and its version.
fn current(answer: &VersionAnswer) -> Option<(Value, Option<VersionUuid>)> {
    let entry = answer.found.as_ref()?;
    let object = entry.record.object()?;
    let id = match entry.record.id {
        VersionId::Id(id) => Some(id),
        VersionId::Null => None,
    };
    Some((value_of(&object.etag), id))
}

fn write_condition(condition: Condition) -> WriteCondition {
    match condition {
        Condition::Always => WriteCondition::NONE,
        Condition::IfAbsent => {
            WriteCondition { if_none_match: Some(ETagCondition::Any), ..WriteCondition::NONE }
        }
        Condition::IfMatch(value) => {
            WriteCondition { if_match: Some(ETagCondition::Tags(vec![tag(value)])), ..WriteCondition::NONE }
        }
    }
}

/// What a client is told of a write.
fn written(result: Result<Outcome, MetadataError>) -> WriteOutcome {
    let id = |version: Option<VersionId>| match version {
        Some(VersionId::Id(id)) => Some(id),
        Some(VersionId::Null) | None => None,
    };
    match result {
        Ok(Ok(Done::Written(written))) => WriteOutcome::Done(id(written.shown_id)),
        Ok(Ok(Done::Deleted { version, .. })) => WriteOutcome::Done(id(version)),
        Ok(Ok(_)) => WriteOutcome::Unknown,
        Ok(Err(Refusal::PreconditionFailed | Refusal::NoSuchKey)) => WriteOutcome::Refused,
        Ok(Err(_)) | Err(MetadataError::Unavailable(_) | MetadataError::Full) => WriteOutcome::Failed,
        Err(MetadataError::Unknown(_) | MetadataError::Failed(_)) => WriteOutcome::Unknown,
    }
}

/// Makes the bucket of all clients; again if it is there.
///
/// # Errors
/// Nobody answered.
pub async fn make_bucket(session: &Session, versioning: Versioning) -> Result<(), MetadataError> {
    let name = BucketName::parse("bucket").expect("a good name");
    let owner = || "root".to_owned();
    let mut commands = vec![
        CommandBody::CreateBucket { name: name.clone(), owner: owner(), group: GROUP },
        CommandBody::OpenBucket { bucket: bucket(), name: name.clone(), owner: owner() },
        CommandBody::ActivateBucket { name, bucket: bucket() },
    ];
    if versioning == Versioning::Kept {
        commands.push(CommandBody::PutVersioning { bucket: bucket(), state: VersioningState::Enabled });
    }
    for body in commands {
        match session.propose(body).await? {
            Ok(_) | Err(Refusal::BucketAlreadyOwnedByYou { .. }) => {}
            Err(refusal) => return Err(MetadataError::Failed(refusal.to_string())),
        }
    }
    Ok(())
}
