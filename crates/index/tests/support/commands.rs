//! Random commands that a model's state makes interesting: few keys, so that they collide; version ids, entity
//! tags and uploads that exist, existed or never did; data that was named before.

use super::cluster_commands::{self, stored};
use super::model::Model;
use esker_index::command::{Command, CommandBody, CompletePart, CopyCondition, NewData, NewObject, Target};
use esker_types::{
    BucketId, BucketName, DataId, ETag, ETagCondition, GroupId, ObjectKey, RequestId, Sequence, Timestamp,
    UploadId, VersionId, VersionUuid, VersioningState, WriteCondition,
};
use proptest::prelude::*;
use uuid::Uuid;

pub(crate) const KEYS: [&str; 6] = ["a", "a/", "a/b", "a/c/d", "a\0b", "b"];

/// Raw choices; what they mean depends on the state that they meet.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Dice {
    pub(crate) kind: u8,
    pub(crate) bucket: u8,
    pub(crate) key: u8,
    pub(crate) other: u8,
    pub(crate) pick: u16,
    pub(crate) condition: u8,
    pub(crate) late: u8,
    pub(crate) entropy: u64,
    pub(crate) millis: u8,
    pub(crate) cluster: u8,
}

fn dice() -> impl Strategy<Value = Dice> {
    let tuple = (any::<[u8; 6]>(), any::<u16>(), any::<u64>(), any::<[u8; 2]>());
    tuple.prop_map(|([kind, bucket, key, other, condition, late], pick, entropy, [millis, cluster])| Dice {
        kind,
        bucket,
        key,
        other,
        pick,
        condition,
        late,
        entropy,
        millis,
        cluster,
    })
}

/// A command that `model` may meet next. `last` is the one before, for retries.
pub(crate) fn command(model: &Model, last: Option<Command>) -> BoxedStrategy<Command> {
    let model = model.clone();
    dice().prop_map(move |dice| build(&model, last.as_ref(), dice)).boxed()
}

/// Opens two buckets, and half of the nodes join, as every run starts.
pub(crate) fn opening() -> Vec<Command> {
    let name = |n: u64| BucketName::parse(&format!("bucket-{n}")).expect("a name");
    let owner = || "root".to_owned();
    let mut bodies = Vec::new();
    for n in 1..=2 {
        bodies.push(CommandBody::CreateBucket { name: name(n), owner: owner(), group: GroupId(0) });
        bodies.push(CommandBody::OpenBucket { bucket: BucketId(n), name: name(n), owner: owner() });
        bodies.push(CommandBody::ActivateBucket { name: name(n), bucket: BucketId(n) });
    }
    bodies.extend(cluster_commands::joining());
    let numbered = (0u128..).zip(bodies);
    numbered.map(|(i, body)| dated(RequestId(Uuid::from_u128(1 << 100 | i)), 1000, body)).collect()
}

fn dated(request: RequestId, millis: u64, body: CommandBody) -> Command {
    let proposed_at = Timestamp::from_millis(millis);
    Command { request, deadline: proposed_at.plus_millis(30_000), proposed_at, body }
}

fn build(model: &Model, last: Option<&Command>, dice: Dice) -> Command {
    if dice.late < 8
        && let Some(last) = last
    {
        return last.clone();
    }
    // The proposer's clock stands still, creeps, and sometimes jumps back.
    let now =
        (model.time.millis() + u64::from(dice.millis % 3)).saturating_sub(u64::from(dice.late == 9) * 50);
    let request = RequestId(Uuid::from_u128(u128::from(model.steps) << 64 | u128::from(dice.entropy)));
    let mut command = dated(request, now, body(model, dice));
    if dice.late == 10 {
        command.deadline = Timestamp(command.proposed_at.0.saturating_sub(1));
    }
    command
}

fn choose<T: Clone>(of: &[T], pick: u16) -> Option<T> {
    of.get(usize::from(pick) % of.len().max(1)).cloned()
}

fn target(dice: Dice, key: u8) -> Target {
    let key = KEYS[usize::from(key) % KEYS.len()];
    Target {
        bucket: BucketId(u64::from(!dice.bucket.is_multiple_of(16)) + u64::from(dice.bucket % 2)),
        key: ObjectKey::parse(key).expect("a key"),
    }
}

fn version_id(model: &Model, target: &Target, dice: Dice) -> VersionId {
    let bucket = model.buckets.get(&target.bucket);
    let versions = bucket.and_then(|b| b.keys.get(target.key.as_str())).cloned().unwrap_or_default();
    match dice.pick % 8 {
        0 => VersionId::Null,
        1 => VersionId::Id(VersionUuid::new(Sequence(u64::from(dice.pick >> 3) % 40), dice.entropy)),
        _ => choose(&versions, dice.pick >> 3).map_or(VersionId::Null, |version| version.id),
    }
}

fn etags(model: &Model, target: &Target, dice: Dice) -> Option<ETagCondition> {
    let versions = model.buckets.get(&target.bucket).and_then(|b| b.keys.get(target.key.as_str()));
    let tags: Vec<ETag> =
        versions.into_iter().flatten().filter_map(|v| Some(v.object.as_ref()?.etag.clone())).collect();
    match dice.condition % 8 {
        0 => Some(ETagCondition::Any),
        1 => Some(ETagCondition::Tags(tags.last().cloned().into_iter().collect())),
        2 => Some(ETagCondition::Tags(choose(&tags, dice.pick).into_iter().collect())),
        3 => Some(ETagCondition::Tags(vec![ETag::of_body([0xee; 16])])),
        _ => None,
    }
}

fn write_condition(model: &Model, target: &Target, dice: Dice) -> WriteCondition {
    match dice.condition {
        0..=20 => WriteCondition { if_match: etags(model, target, dice), if_none_match: None },
        21..=80 => WriteCondition { if_match: None, if_none_match: etags(model, target, dice) },
        _ => WriteCondition::NONE,
    }
}

/// Mostly new data; now and then data that was named before.
fn data_id(model: &Model, dice: Dice) -> DataId {
    let known: Vec<DataId> = model.settled.iter().chain(&model.condemned).copied().collect();
    match choose(&known, dice.pick) {
        Some(old) if dice.other < 16 => old,
        _ => DataId::new(model.steps, GroupId(0), dice.entropy),
    }
}

fn body(model: &Model, dice: Dice) -> CommandBody {
    let target = target(dice, dice.key);
    let entropy = dice.entropy;
    // Late nodes are chosen by the rest of this byte.
    if dice.cluster < 80 {
        return cluster_commands::body(model, dice);
    }
    match dice.kind {
        0..=89 => CommandBody::PutObject {
            object: new_object(model, dice),
            condition: write_condition(model, &target, dice),
            target,
            entropy,
        },
        90..=119 => {
            let source = Target { bucket: self::target(dice, 0).bucket, ..self::target(dice, dice.other) };
            CommandBody::CopyObject {
                version: dice.pick.is_multiple_of(2).then(|| version_id(model, &source, dice)),
                source_condition: CopyCondition {
                    if_match: (dice.late > 200).then(|| etags(model, &source, dice)).flatten(),
                    if_none_match: (dice.late < 60).then(|| etags(model, &source, dice)).flatten(),
                    ..CopyCondition::default()
                },
                headers: dice.late.is_multiple_of(2).then(Vec::new),
                condition: write_condition(model, &target, dice),
                source,
                target,
                entropy,
            }
        }
        120..=149 => CommandBody::DeleteObject {
            version: None,
            condition: delete_condition(model, &target, dice),
            target,
            entropy,
        },
        150..=189 => CommandBody::DeleteObject {
            version: Some(version_id(model, &target, dice)),
            condition: delete_condition(model, &target, dice),
            target,
            entropy,
        },
        190..=199 => {
            let state = if dice.other.is_multiple_of(2) {
                VersioningState::Enabled
            } else {
                VersioningState::Suspended
            };
            CommandBody::PutVersioning { bucket: target.bucket, state }
        }
        200..=204 => CommandBody::Discard { data: vec![(data_id(model, dice), 7)] },
        205..=209 => CommandBody::Condemn {
            data: vec![data_id(model, dice), data_id(model, Dice { pick: dice.pick / 2, ..dice })],
        },
        210 => CommandBody::SealBucket { bucket: target.bucket },
        _ => upload_body(model, dice, target),
    }
}

fn delete_condition(model: &Model, target: &Target, dice: Dice) -> Option<ETagCondition> {
    if dice.condition < 60 { etags(model, target, dice) } else { None }
}

fn new_object(model: &Model, dice: Dice) -> NewObject {
    let mut md5 = [0; 16];
    md5[..8].copy_from_slice(&(dice.entropy % 16).to_be_bytes());
    let (size, data) = match dice.other % 4 {
        0 => (0, NewData::Empty),
        1 => (3, NewData::Inline(bytes::Bytes::from_static(b"abc"))),
        _ => (
            1 << 20,
            NewData::Stored(stored(data_id(model, Dice { other: dice.other.wrapping_mul(7), ..dice }), dice)),
        ),
    };
    let headers = vec![("content-type".to_owned(), format!("text/{}", dice.millis))];
    NewObject { size, etag: ETag::of_body(md5), checksum: None, headers, data }
}

fn upload_body(model: &Model, dice: Dice, target: Target) -> CommandBody {
    let uploads: Vec<(BucketId, String, UploadId)> = model
        .buckets
        .iter()
        .flat_map(|(id, b)| {
            let open = b.uploads.keys().map(|(key, upload)| (*id, key.clone(), *upload));
            let replays = b.completed.iter().filter_map(|(upload, (body, _))| match body {
                CommandBody::CompleteUpload { target, .. } => {
                    Some((*id, target.key.as_str().to_owned(), *upload))
                }
                _ => None,
            });
            open.chain(replays).collect::<Vec<_>>()
        })
        .collect();
    let fresh = UploadId(Uuid::from_u128(u128::from(dice.entropy) << 8 | u128::from(model.steps)));
    let Some((bucket, key, upload)) = choose(&uploads, dice.pick) else {
        return CommandBody::CreateUpload { target, upload: fresh, headers: Vec::new(), checksum: None };
    };
    let target = match dice.other % 16 {
        0 => target,
        _ => Target { bucket, key: ObjectKey::parse(key.clone()).expect("a key") },
    };
    match dice.kind % 8 {
        0 => CommandBody::CreateUpload { target, upload: fresh, headers: Vec::new(), checksum: None },
        1 => CommandBody::AbortUpload { target, upload },
        2 | 3 => complete_body(model, dice, target, (bucket, key, upload)),
        _ => {
            let size = [0, 100, 5 << 20, 6 << 20][usize::from(dice.late % 4)];
            let mut md5 = [1; 16];
            md5[0] = dice.millis % 4;
            CommandBody::PutPart {
                target,
                upload,
                number: u16::from(dice.condition % 4) * 50 + 1,
                size,
                etag: ETag::of_body(md5),
                checksum: None,
                data: (size > 0).then(|| stored(data_id(model, dice), dice)),
            }
        }
    }
}

fn complete_body(model: &Model, dice: Dice, target: Target, of: (BucketId, String, UploadId)) -> CommandBody {
    let bucket = &model.buckets[&of.0];
    if let Some((replay, _)) = bucket.completed.get(&of.2) {
        return replay.clone();
    }
    let stored = bucket.uploads.get(&(of.1, of.2)).cloned().unwrap_or_default();
    let mut parts: Vec<CompletePart> = stored
        .parts
        .iter()
        .filter(|(_, part)| dice.late < 128 || part.size >= 5 << 20)
        .map(|(number, part)| CompletePart { number: *number, etag: part.etag.clone(), checksum: None })
        .collect();
    match dice.millis % 16 {
        0 => parts.reverse(),
        1 => parts.push(CompletePart { number: 9999, etag: ETag::of_body([9; 16]), checksum: None }),
        _ => {}
    }
    CommandBody::CompleteUpload {
        condition: write_condition(model, &target, dice),
        target,
        upload: of.2,
        etag: ETag::of_parts([2; 16], u16::try_from(parts.len()).expect("few parts")),
        parts,
        checksum: None,
        size: (dice.millis == 2).then_some(1),
        entropy: dice.entropy,
    }
}
