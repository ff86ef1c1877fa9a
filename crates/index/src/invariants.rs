//! What must hold of a group's rows after every command, as named predicates.
//!
//! They read all rows, so they are for tests, simulations and offline checks.

mod cluster;

use self::cluster::Cluster;
use crate::apply::data::{decode_entry, entry_data};
use crate::keys;
use crate::records::{
    BucketRecord, DataRecord, GarbageItem, GroupRecord, ManifestBody, ManifestRecord, PartPage, Record,
    VersionRecord,
};
use crate::rows::{ReadRows, RowsError};
use crate::store::load;
use bytes::Bytes;
use esker_types::{BucketId, DataId, ManifestId, Sequence, Timestamp, VersionId};
use std::collections::{BTreeMap, BTreeSet};
use std::ops::{Bound, ControlFlow};

/// Checks all invariants; the error names the one that is broken.
pub fn check<R: ReadRows + ?Sized>(rows: &R) -> Result<(), String> {
    let state = State::read(rows).map_err(|e| e.to_string())?;
    for (bucket, record) in &state.buckets {
        versions_are_totally_ordered(&state, *bucket, record)?;
        at_most_one_null_version(&state, rows, *bucket)?;
        live_index_agrees(&state, rows, *bucket, record)?;
    }
    versions_belong_to_buckets(&state)?;
    manifests_are_counted(&state, rows)?;
    data_is_held_exactly_once(&state, rows)?;
    let cluster = Cluster::read(rows).map_err(|e| e.to_string())?;
    cluster.check()?;
    cluster.counters_agree(rows, &state.group, &state.garbage)
}

type KeyVersions = BTreeMap<Vec<u8>, BTreeMap<Sequence, VersionRecord>>;

/// All rows, taken apart.
struct State {
    group: GroupRecord,
    buckets: BTreeMap<BucketId, BucketRecord>,
    versions: BTreeMap<BucketId, KeyVersions>,
    manifests: BTreeMap<ManifestId, ManifestRecord>,
    data: BTreeMap<DataId, DataRecord>,
    garbage: BTreeMap<u64, crate::records::GarbageRecord>,
    part_data: Vec<DataId>,
}

impl State {
    fn read<R: ReadRows + ?Sized>(rows: &R) -> Result<State, RowsError> {
        let mut state = State {
            group: load(rows, &keys::group())?.unwrap_or_default(),
            buckets: BTreeMap::new(),
            versions: BTreeMap::new(),
            manifests: BTreeMap::new(),
            data: BTreeMap::new(),
            garbage: BTreeMap::new(),
            part_data: Vec::new(),
        };
        let mut all = Vec::new();
        rows.scan(&[], &[0xff], &mut |row, value| {
            all.push((row.to_vec(), value.clone()));
            ControlFlow::Continue(())
        })?;
        for (row, value) in all {
            state.take(&row, value)?;
        }
        Ok(state)
    }

    fn take(&mut self, row: &[u8], value: Bytes) -> Result<(), RowsError> {
        let bad = || RowsError::corrupt(row, "malformed key");
        let number =
            |at: usize| row.get(at..at + 8).map(|b| u64::from_be_bytes(b.try_into().unwrap_or_default()));
        let id = || row.get(1..).and_then(|b| <[u8; 16]>::try_from(b).ok()).ok_or_else(bad);
        let malformed = |e: crate::codec::Malformed| RowsError::corrupt(row, e.to_string());
        match row[0] {
            b'C' => {
                let record = BucketRecord::decode(value).map_err(malformed)?;
                self.buckets.insert(BucketId(number(1).ok_or_else(bad)?), record);
            }
            b'V' => {
                let (key, sequence) = keys::split_version(row).ok_or_else(bad)?;
                let record = VersionRecord::decode(value).map_err(malformed)?;
                let bucket = self.versions.entry(BucketId(number(1).ok_or_else(bad)?)).or_default();
                bucket.entry(key).or_default().insert(sequence, record);
            }
            b'M' => {
                let record = ManifestRecord::decode(value).map_err(malformed)?;
                self.manifests.insert(ManifestId::from_bytes(id()?), record);
            }
            b'D' => {
                let record = DataRecord::decode(value).map_err(malformed)?;
                self.data.insert(DataId::from_bytes(id()?), record);
            }
            b'G' => {
                let (number, record) = decode_entry(row, value)?;
                self.garbage.insert(number, record);
            }
            b'P' => {
                let page = PartPage::decode(value).map_err(malformed)?;
                self.part_data.extend(page.parts.iter().filter_map(|part| part.data));
            }
            _ => {}
        }
        Ok(())
    }
}

fn ensure(holds: bool, what: impl FnOnce() -> String) -> Result<(), String> {
    if holds { Ok(()) } else { Err(what()) }
}

/// Sequences and dates rise together: over the bucket dates never fall, within a key they strictly rise; every id
/// carries its sequence; the bucket's counters are right.
fn versions_are_totally_ordered(
    state: &State,
    bucket: BucketId,
    record: &BucketRecord,
) -> Result<(), String> {
    let none = KeyVersions::new();
    let keys = state.versions.get(&bucket).unwrap_or(&none);
    let mut by_sequence: BTreeMap<Sequence, Timestamp> = BTreeMap::new();
    for (key, versions) in keys {
        let mut newest: Option<Timestamp> = None;
        for (sequence, version) in versions {
            let rising = newest.is_none_or(|newest| newest < version.last_modified);
            ensure(rising, || format!("dates of {} do not strictly rise", key.escape_ascii()))?;
            newest = Some(version.last_modified);
            let twice = by_sequence.insert(*sequence, version.last_modified).is_some();
            ensure(!twice, || format!("sequence {} is taken twice", sequence.0))?;
            if let VersionId::Id(id) = version.id {
                ensure(id.sequence() == *sequence, || format!("id {id} is at sequence {}", sequence.0))?;
            }
        }
    }
    let dates: Vec<Timestamp> = by_sequence.values().copied().collect();
    ensure(dates.is_sorted(), || format!("dates of bucket {} fall", bucket.0))?;
    ensure(dates.last().is_none_or(|last| *last <= record.last_modified), || "a date is too new".into())?;
    let last = by_sequence.keys().next_back();
    ensure(last.is_none_or(|last| *last <= record.sequence), || "a sequence is too new".into())?;
    let count = by_sequence.len() as u64;
    ensure(count == record.versions, || format!("{count} versions, but {} are counted", record.versions))
}

/// The null row names the one null version of its key.
fn at_most_one_null_version<R: ReadRows + ?Sized>(
    state: &State,
    rows: &R,
    bucket: BucketId,
) -> Result<(), String> {
    for (key, versions) in state.versions.get(&bucket).into_iter().flatten() {
        let nulls: Vec<Sequence> =
            versions.iter().filter(|(_, v)| v.id == VersionId::Null).map(|(s, _)| *s).collect();
        let named = crate::store::null_sequence(rows, bucket, key).map_err(|e| e.to_string())?;
        ensure(nulls.len() <= 1 && nulls.first() == named.as_ref(), || {
            format!("null versions of {}: {nulls:?}, but its row says {named:?}", key.escape_ascii())
        })?;
    }
    Ok(())
}

/// The live-key index is what the version rows say.
fn live_index_agrees<R: ReadRows + ?Sized>(
    state: &State,
    rows: &R,
    bucket: BucketId,
    record: &BucketRecord,
) -> Result<(), String> {
    let prefix = keys::live(bucket);
    record.live.check(rows, &prefix)?;
    let mut indexed = Vec::new();
    record
        .live
        .walk(rows, &prefix, Bound::Unbounded, &mut |key| {
            indexed.push(key.to_vec());
            crate::live::Step::Continue
        })
        .map_err(|e| e.to_string())?;
    let newest_is_object = |versions: &BTreeMap<_, VersionRecord>| {
        versions.values().next_back().is_some_and(|v| v.object().is_some())
    };
    let keys = state.versions.get(&bucket).into_iter().flatten();
    let expected: Vec<Vec<u8>> =
        keys.filter(|(_, versions)| newest_is_object(versions)).map(|(key, _)| key.clone()).collect();
    ensure(indexed == expected, || format!("live keys {indexed:?}, but versions say {expected:?}"))
}

/// No version outlives its bucket.
fn versions_belong_to_buckets(state: &State) -> Result<(), String> {
    let orphan = state.versions.keys().find(|bucket| !state.buckets.contains_key(bucket));
    ensure(orphan.is_none(), || format!("versions of no bucket: {orphan:?}"))
}

/// No version points to a missing manifest; a manifest's count is the number of versions that use it; one that no
/// version uses is garbage, and garbage is used by none.
fn manifests_are_counted<R: ReadRows + ?Sized>(state: &State, rows: &R) -> Result<(), String> {
    let mut used: BTreeMap<ManifestId, u64> = BTreeMap::new();
    let versions =
        state.versions.values().flat_map(|keys| keys.values()).flat_map(|versions| versions.values());
    for manifest in versions.filter_map(|version| version.object()?.manifest) {
        *used.entry(manifest).or_default() += 1;
    }
    let garbage: BTreeSet<ManifestId> = state
        .garbage
        .values()
        .filter_map(|entry| match entry.item {
            GarbageItem::Manifest(manifest) => Some(manifest),
            GarbageItem::Data(_) => None,
        })
        .collect();
    for (manifest, uses) in &used {
        ensure(state.manifests.contains_key(manifest), || format!("manifest {manifest} is missing"))?;
        ensure(!garbage.contains(manifest), || format!("manifest {manifest} is used and garbage"))?;
        let count = rows.get(&keys::references(*manifest)).map_err(|e| e.to_string())?;
        let count = count.map_or(1, |v| u64::from_be_bytes(v.as_ref().try_into().unwrap_or_default()));
        ensure(count == *uses, || format!("manifest {manifest} is used {uses} times, counted {count}"))?;
    }
    let lost = state.manifests.keys().find(|m| !used.contains_key(m) && !garbage.contains(m));
    ensure(lost.is_none(), || format!("manifest {lost:?} is neither used nor garbage"))
}

/// Held data is exactly what manifests, parts and garbage entries name, and each is named once.
fn data_is_held_exactly_once<R: ReadRows + ?Sized>(state: &State, rows: &R) -> Result<(), String> {
    let garbage_manifests: BTreeSet<ManifestId> = state
        .garbage
        .values()
        .filter_map(|entry| match entry.item {
            GarbageItem::Manifest(manifest) => Some(manifest),
            GarbageItem::Data(_) => None,
        })
        .collect();
    let mut named: Vec<DataId> = state.part_data.clone();
    for (id, manifest) in &state.manifests {
        if let ManifestBody::Extents(extents) = &manifest.body
            && !garbage_manifests.contains(id)
        {
            named.extend(extents.iter().map(|extent| extent.data));
        }
    }
    for (number, entry) in &state.garbage {
        let known = (state.group.first_garbage..state.group.next_garbage).contains(number);
        ensure(known, || format!("garbage entry {number} is out of bounds"))?;
        let data = entry_data(rows, entry).map_err(|e| e.to_string())?;
        named.extend(data.iter().skip(entry.reclaimed as usize).map(|(id, _)| *id));
    }
    let count = named.len();
    let named: BTreeSet<DataId> = named.into_iter().collect();
    ensure(named.len() == count, || "data is named twice".into())?;
    let held: BTreeSet<DataId> =
        state.data.iter().filter(|(_, r)| **r == DataRecord::Held).map(|(id, _)| *id).collect();
    ensure(named == held, || {
        let (lost, unheld) = (held.difference(&named).next(), named.difference(&held).next());
        format!("held but named by nothing: {lost:?}; named but not held: {unheld:?}")
    })
}
