//! The contract of every operation, written as naively as possible: lists of versions, searched from end to end.
//! It shares value types with the index, and nothing else.

use super::cluster::Cluster;
use esker_index::command::{Command, CommandBody, CopyCondition, NewData, NewObject, StoredData, Target};
use esker_index::outcome::{Done, Marker, Outcome, Refusal, Step, Written};
use esker_types::{
    BucketId, BucketName, Checksum, DataId, ETag, ETagCondition, GroupId, NodeId, ObjectChecksum, RequestId,
    Sequence, Timestamp, UploadId, VersionId, VersionUuid, VersioningState, WriteCondition,
};
use std::collections::{BTreeMap, BTreeSet};

#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Object {
    pub(crate) size: u64,
    pub(crate) etag: ETag,
    pub(crate) checksum: Option<ObjectChecksum>,
    pub(crate) parts: Option<u16>,
    pub(crate) headers: Vec<(String, String)>,
    /// The stored data it uses.
    pub(crate) data: Vec<DataId>,
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Version {
    pub(crate) sequence: Sequence,
    pub(crate) id: VersionId,
    pub(crate) date: Timestamp,
    /// None: a delete marker.
    pub(crate) object: Option<Object>,
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Part {
    pub(crate) size: u64,
    pub(crate) etag: ETag,
    pub(crate) checksum: Option<Checksum>,
    pub(crate) data: Option<DataId>,
}

#[derive(Clone, Debug, Default)]
pub(crate) struct Upload {
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) parts: BTreeMap<u16, Part>,
}

#[derive(Clone, Debug)]
pub(crate) struct Bucket {
    pub(crate) sealed: bool,
    pub(crate) state: VersioningState,
    pub(crate) sequence: u64,
    pub(crate) date: Timestamp,
    /// Oldest first.
    pub(crate) keys: BTreeMap<String, Vec<Version>>,
    pub(crate) uploads: BTreeMap<(String, UploadId), Upload>,
    pub(crate) completed: BTreeMap<UploadId, (CommandBody, Outcome)>,
}

#[derive(Clone, Debug, Default)]
pub(crate) struct Model {
    pub(crate) time: Timestamp,
    pub(crate) names: BTreeMap<BucketName, (BucketId, String)>,
    pub(crate) last_bucket: u64,
    pub(crate) buckets: BTreeMap<BucketId, Bucket>,
    /// Every data id that a command named, other than to condemn it.
    pub(crate) settled: BTreeSet<DataId>,
    pub(crate) condemned: BTreeSet<DataId>,
    pub(crate) cluster: Cluster,
    /// What each node has to repair, with the lengths in bytes.
    pub(crate) repairs: BTreeMap<(NodeId, DataId), u64>,
    pub(crate) outcomes: BTreeMap<RequestId, Outcome>,
    /// What the last command must have given.
    pub(crate) expected: Option<Outcome>,
    pub(crate) steps: u64,
}

impl Bucket {
    fn versions(&self, key: &str) -> &[Version] {
        self.keys.get(key).map_or(&[], Vec::as_slice)
    }

    fn current(&self, key: &str) -> Option<&Object> {
        self.versions(key).last()?.object.as_ref()
    }

    pub(crate) fn find(&self, key: &str, id: VersionId) -> Option<&Version> {
        self.versions(key).iter().find(|version| version.id == id)
    }

    fn forget(&mut self, key: &str, id: VersionId) {
        let versions = self.keys.entry(key.to_owned()).or_default();
        versions.retain(|version| version.id != id);
        if versions.is_empty() {
            self.keys.remove(key);
        }
    }

    fn add(&mut self, key: &str, now: Timestamp, entropy: u64, object: Option<Object>) -> Version {
        self.sequence += 1;
        let sequence = Sequence(self.sequence);
        let newest = self.versions(key).last().map_or(0, |version| version.date.0 + 1);
        self.date = now.max(self.date).max(Timestamp(newest));
        let id = match self.state {
            VersioningState::Enabled => VersionId::Id(VersionUuid::new(sequence, entropy)),
            _ => VersionId::Null,
        };
        if id == VersionId::Null {
            self.forget(key, VersionId::Null);
        }
        let version = Version { sequence, id, date: self.date, object };
        self.keys.entry(key.to_owned()).or_default().push(version.clone());
        version
    }
}

fn check(condition: &WriteCondition, current: Option<&Object>) -> Result<(), Refusal> {
    if let Some(names) = &condition.if_match {
        let object = current.ok_or(Refusal::NoSuchKey)?;
        if !names.names(&object.etag) {
            return Err(Refusal::PreconditionFailed);
        }
    }
    if let Some(names) = &condition.if_none_match
        && current.is_some_and(|object| names.names(&object.etag))
    {
        return Err(Refusal::PreconditionFailed);
    }
    Ok(())
}

fn written(version: &Version, source_id: Option<VersionId>) -> Outcome {
    let object = version.object.as_ref().expect("an object was written");
    Ok(Done::Written(Written {
        shown_id: (version.id != VersionId::Null).then_some(version.id),
        sequence: version.sequence,
        last_modified: version.date,
        etag: object.etag.clone(),
        checksum: object.checksum.clone(),
        source_id,
        size: object.size,
    }))
}

impl Model {
    pub(crate) fn apply(&mut self, command: &Command) {
        self.steps += 1;
        let outcome = match self.outcomes.get(&command.request) {
            Some(first) => first.clone(),
            None => {
                self.time = self.time.max(command.proposed_at);
                let outcome =
                    if self.time > command.deadline { Err(Refusal::Expired) } else { self.execute(command) };
                self.settle(&command.body);
                self.outcomes.insert(command.request, outcome.clone());
                outcome
            }
        };
        self.expected = Some(outcome);
    }

    /// Whatever the outcome, named data is settled.
    fn settle(&mut self, body: &CommandBody) {
        let named: Vec<DataId> = match body {
            CommandBody::PutObject { object: NewObject { data: NewData::Stored(stored), .. }, .. } => {
                vec![stored.data]
            }
            CommandBody::PutPart { data, .. } => data.iter().map(|stored| stored.data).collect(),
            CommandBody::Discard { data } => data.iter().map(|(data, _)| *data).collect(),
            _ => vec![],
        };
        self.settled.extend(named.into_iter().filter(|data| !self.condemned.contains(data)));
    }

    fn free(&self, data: DataId) -> Result<(), Refusal> {
        if self.settled.contains(&data) || self.condemned.contains(&data) {
            return Err(Refusal::DataSettled);
        }
        Ok(())
    }

    fn open(&mut self, bucket: BucketId) -> Result<&mut Bucket, Refusal> {
        self.buckets.get_mut(&bucket).filter(|bucket| !bucket.sealed).ok_or(Refusal::NoSuchBucket)
    }

    fn execute(&mut self, command: &Command) -> Outcome {
        let now = command.proposed_at;
        match &command.body {
            CommandBody::CreateBucket { name, owner, group } => self.create_bucket(name, owner, *group),
            CommandBody::OpenBucket { bucket, .. } => {
                self.buckets.entry(*bucket).or_insert_with(|| Bucket {
                    sealed: false,
                    state: VersioningState::Unversioned,
                    sequence: 0,
                    date: Timestamp(0),
                    keys: BTreeMap::new(),
                    uploads: BTreeMap::new(),
                    completed: BTreeMap::new(),
                });
                Ok(Done::Nothing)
            }
            CommandBody::ActivateBucket { name, bucket } => match self.names.get(name) {
                Some((id, _)) if id == bucket => Ok(Done::Nothing),
                _ => Err(Refusal::NoSuchBucket),
            },
            CommandBody::SealBucket { bucket } => {
                let bucket = self.open(*bucket)?;
                if !bucket.keys.is_empty() {
                    return Err(Refusal::BucketNotEmpty);
                }
                bucket.sealed = true;
                Ok(Done::Nothing)
            }
            CommandBody::RemoveBucket { name, bucket } => {
                if self.names.get(name).is_some_and(|(id, _)| id == bucket) {
                    self.names.remove(name);
                }
                Ok(Done::Nothing)
            }
            CommandBody::PutVersioning { bucket, state } => {
                let bucket = self.open(*bucket)?;
                bucket.state = *state;
                bucket.sequence += 1;
                Ok(Done::Nothing)
            }
            CommandBody::PutObject { target, object, condition, entropy } => {
                self.put(target, object, condition, *entropy, now)
            }
            CommandBody::CopyObject {
                target,
                source,
                version,
                source_condition,
                headers,
                condition,
                entropy,
            } => {
                let (source_id, object) = self.source(target, source, *version, source_condition)?;
                let object = Object { headers: headers.clone().unwrap_or(object.headers.clone()), ..object };
                let bucket = self.open(target.bucket)?;
                check(condition, bucket.current(target.key.as_str()))?;
                let version = bucket.add(target.key.as_str(), now, *entropy, Some(object));
                written(&version, source_id)
            }
            CommandBody::DeleteObject { target, version, condition, entropy } => {
                self.delete(target, *version, condition.as_ref(), *entropy, now)
            }
            CommandBody::Discard { .. } => Ok(Done::Nothing),
            CommandBody::Condemn { data } => {
                let in_use = |(_, id): &(u32, &DataId)| self.settled.contains(id);
                let held: Vec<u32> = (0..).zip(data).filter(in_use).map(|(i, _)| i).collect();
                self.condemned.extend(data.iter().filter(|id| !self.settled.contains(id)));
                Ok(Done::Condemned { held })
            }
            CommandBody::Repaired { node, data } => {
                self.repairs.retain(|(of, id), _| of != node || !data.contains(id));
                Ok(Done::Nothing)
            }
            CommandBody::ForgetRepairs { node } => {
                self.repairs.retain(|(of, _), _| of != node);
                Ok(Done::Step(Step::Finished))
            }
            CommandBody::PurgeBucket { .. }
            | CommandBody::Reclaim { .. }
            | CommandBody::ReclaimSteps { .. } => Ok(Done::Step(Step::Finished)),
            body => self.cluster.execute(body).unwrap_or_else(|| self.upload_command(command)),
        }
    }

    fn note_late(&mut self, stored: &StoredData, length: u64) {
        self.repairs.extend(stored.late.iter().map(|node| ((*node, stored.data), length)));
    }

    fn create_bucket(&mut self, name: &BucketName, owner: &str, group: GroupId) -> Outcome {
        if let Some((bucket, by)) = self.names.get(name) {
            return Err(match by == owner {
                true => Refusal::BucketAlreadyOwnedByYou { bucket: *bucket, group },
                false => Refusal::BucketAlreadyExists,
            });
        }
        self.last_bucket += 1;
        let bucket = BucketId(self.last_bucket);
        self.names.insert(name.clone(), (bucket, owner.to_owned()));
        Ok(Done::BucketCreating { bucket, group })
    }

    fn put(
        &mut self,
        target: &Target,
        object: &NewObject,
        condition: &WriteCondition,
        entropy: u64,
        now: Timestamp,
    ) -> Outcome {
        let bucket = self.open(target.bucket)?;
        check(condition, bucket.current(target.key.as_str()))?;
        let data = match &object.data {
            NewData::Stored(stored) => {
                self.free(stored.data)?;
                self.note_late(stored, object.size);
                vec![stored.data]
            }
            NewData::Inline(_) | NewData::Empty => vec![],
        };
        let object = Object {
            size: object.size,
            etag: object.etag.clone(),
            checksum: object.checksum.clone(),
            parts: None,
            headers: object.headers.clone(),
            data,
        };
        written(&self.open(target.bucket)?.add(target.key.as_str(), now, entropy, Some(object)), None)
    }

    fn source(
        &mut self,
        target: &Target,
        source: &Target,
        version: Option<VersionId>,
        condition: &CopyCondition,
    ) -> Result<(Option<VersionId>, Object), Refusal> {
        self.open(target.bucket)?;
        let bucket = self.open(source.bucket)?;
        let key = source.key.as_str();
        let found = match version {
            None => bucket.versions(key).last().filter(|v| v.object.is_some()).ok_or(Refusal::NoSuchKey)?,
            Some(id) => bucket.find(key, id).ok_or(Refusal::NoSuchVersion)?,
        };
        let object = found.object.clone().ok_or(Refusal::SourceIsDeleteMarker)?;
        let if_match = condition.if_match.as_ref().is_none_or(|names| names.names(&object.etag));
        let if_none = condition.if_none_match.as_ref().is_none_or(|names| !names.names(&object.etag));
        if !if_match || !if_none {
            return Err(Refusal::SourcePreconditionFailed);
        }
        Ok(((bucket.state != VersioningState::Unversioned).then_some(found.id), object))
    }

    fn delete(
        &mut self,
        target: &Target,
        version: Option<VersionId>,
        condition: Option<&ETagCondition>,
        entropy: u64,
        now: Timestamp,
    ) -> Outcome {
        let bucket = self.open(target.bucket)?;
        let key = target.key.as_str();
        if let Some(id) = version {
            let Some(found) = bucket.find(key, id).cloned() else {
                return match condition {
                    Some(_) => Err(Refusal::NoSuchVersion),
                    None => Ok(Done::Deleted { version, marker: Marker::None }),
                };
            };
            let holds = condition.is_none_or(|c| found.object.as_ref().is_some_and(|o| c.names(&o.etag)));
            if !holds {
                return Err(Refusal::PreconditionFailed);
            }
            bucket.sequence += 1;
            bucket.forget(key, id);
            let marker = if found.object.is_none() { Marker::Removed } else { Marker::None };
            return Ok(Done::Deleted { version, marker });
        }
        let condition = WriteCondition { if_match: condition.cloned(), if_none_match: None };
        check(&condition, bucket.current(key))?;
        if bucket.state == VersioningState::Unversioned {
            if bucket.find(key, VersionId::Null).is_some() {
                bucket.sequence += 1;
                bucket.forget(key, VersionId::Null);
            }
            return Ok(Done::Deleted { version: None, marker: Marker::None });
        }
        let marker = bucket.add(key, now, entropy, None);
        Ok(Done::Deleted { version: Some(marker.id), marker: Marker::Added })
    }

    fn upload_command(&mut self, command: &Command) -> Outcome {
        match &command.body {
            CommandBody::CreateUpload { target, upload, headers, .. } => {
                let record = Upload { headers: headers.clone(), parts: BTreeMap::new() };
                let bucket = self.open(target.bucket)?;
                bucket.uploads.insert((target.key.as_str().to_owned(), *upload), record);
                Ok(Done::Nothing)
            }
            CommandBody::PutPart { target, upload, number, size, etag, checksum, data } => {
                let id = (target.key.as_str().to_owned(), *upload);
                self.open(target.bucket)?.uploads.get(&id).ok_or(Refusal::NoSuchUpload)?;
                if let Some(stored) = data {
                    self.free(stored.data)?;
                    self.note_late(stored, *size);
                }
                let data = data.as_ref().map(|stored| stored.data);
                let part = Part { size: *size, etag: etag.clone(), checksum: checksum.clone(), data };
                let upload = self.open(target.bucket)?.uploads.get_mut(&id).ok_or(Refusal::NoSuchUpload)?;
                upload.parts.insert(*number, part);
                Ok(Done::PartWritten { last_modified: self.time })
            }
            CommandBody::AbortUpload { target, upload } => {
                let id = (target.key.as_str().to_owned(), *upload);
                self.open(target.bucket)?
                    .uploads
                    .remove(&id)
                    .map(|_| Done::Nothing)
                    .ok_or(Refusal::NoSuchUpload)
            }
            CommandBody::CompleteUpload { .. } => self.complete(command),
            other => panic!("the model does not know {other:?}"),
        }
    }

    fn complete(&mut self, command: &Command) -> Outcome {
        let CommandBody::CompleteUpload { target, upload, parts, etag, checksum, size, condition, entropy } =
            &command.body
        else {
            panic!("not a Complete")
        };
        let bucket = self.open(target.bucket)?;
        let key = target.key.as_str();
        if let Some((CommandBody::CompleteUpload { target: t, parts: p, .. }, first)) =
            bucket.completed.get(upload)
        {
            let named = |parts: &[esker_index::command::CompletePart]| {
                parts.iter().map(|part| (part.number, part.etag.clone())).collect::<Vec<_>>()
            };
            if t == target && named(p) == named(parts) {
                return first.clone();
            }
        }
        let id = (key.to_owned(), *upload);
        let record = bucket.uploads.get(&id).ok_or(Refusal::NoSuchUpload)?.clone();
        if parts.windows(2).any(|pair| pair[0].number >= pair[1].number) {
            return Err(Refusal::InvalidPartOrder);
        }
        for named in parts {
            let same = record.parts.get(&named.number).is_some_and(|part| {
                part.etag == named.etag && (named.checksum.is_none() || named.checksum == part.checksum)
            });
            if !same {
                return Err(Refusal::InvalidPart { number: named.number });
            }
        }
        let chosen: Vec<&Part> = parts.iter().map(|named| &record.parts[&named.number]).collect();
        for (part, named) in chosen.iter().zip(parts).rev().skip(1).rev() {
            if part.size < 5 << 20 {
                return Err(Refusal::EntityTooSmall { number: named.number, size: part.size });
            }
        }
        if parts.is_empty() {
            return Err(Refusal::Malformed);
        }
        let actual: u64 = chosen.iter().map(|part| part.size).sum();
        if size.is_some_and(|stated| stated != actual) {
            return Err(Refusal::SizeMismatch { actual });
        }
        check(condition, bucket.current(key))?;
        let object = Object {
            size: actual,
            etag: etag.clone(),
            checksum: checksum.clone(),
            parts: u16::try_from(parts.len()).ok(),
            headers: record.headers.clone(),
            data: chosen.iter().filter_map(|part| part.data).collect(),
        };
        bucket.uploads.remove(&id);
        let version = bucket.add(key, command.proposed_at, *entropy, Some(object));
        let outcome = written(&version, None);
        bucket.completed.insert(*upload, (command.body.clone(), outcome.clone()));
        outcome
    }

    /// The data that versions and parts use.
    pub(crate) fn used_data(&self) -> BTreeSet<DataId> {
        let buckets = || self.buckets.values();
        let versions = buckets().flat_map(|b| b.keys.values().flatten()).filter_map(|v| v.object.as_ref());
        let parts = buckets().flat_map(|b| b.uploads.values()).flat_map(|u| u.parts.values());
        versions.flat_map(|o| o.data.iter().copied()).chain(parts.filter_map(|p| p.data)).collect()
    }
}
