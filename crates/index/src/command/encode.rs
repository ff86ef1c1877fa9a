//! Commands as bytes. The numbers of the kinds are stored in logs: they are never given out again.

use super::{CommandBody, NewData, NewObject, StoredData, Target, cluster};
use crate::codec::Writer;
use crate::records::{versioning_number, write_nodes, write_upload_checksum, write_version_id};
use esker_types::{ETagCondition, VersionId, WriteCondition};

pub(super) fn write_body(w: &mut Writer, body: &CommandBody) {
    match body {
        CommandBody::CreateBucket { name, owner, group } => {
            w.u8(1).text(name.as_str()).text(owner).u16(group.0);
        }
        CommandBody::OpenBucket { bucket, name, owner } => {
            w.u8(2).u64(bucket.0).text(name.as_str()).text(owner);
        }
        CommandBody::ActivateBucket { name, bucket } => {
            w.u8(3).text(name.as_str()).u64(bucket.0);
        }
        CommandBody::SealBucket { bucket } => {
            w.u8(4).u64(bucket.0);
        }
        CommandBody::RemoveBucket { name, bucket } => {
            w.u8(5).text(name.as_str()).u64(bucket.0);
        }
        CommandBody::PurgeBucket { bucket } => {
            w.u8(6).u64(bucket.0);
        }
        CommandBody::PutVersioning { bucket, state } => {
            w.u8(7).u64(bucket.0).u8(versioning_number(*state));
        }
        CommandBody::Discard { data } => {
            w.u8(8).list(data, |w, (data, length)| {
                w.raw(data.as_bytes()).u64(*length);
            });
        }
        CommandBody::Condemn { data } => {
            w.u8(9).list(data, |w, data| {
                w.raw(data.as_bytes());
            });
        }
        CommandBody::Reclaim { entry, reclaimed } => {
            w.u8(10).u64(*entry).u32(*reclaimed);
        }
        CommandBody::ReclaimSteps { steps } => {
            w.u8(13).list(steps, |w, step| {
                w.u64(step.entry).u32(step.reclaimed);
            });
        }
        // Named one by one, so that a new kind without an encoding does not compile.
        CommandBody::PutObject { .. } | CommandBody::CopyObject { .. } | CommandBody::DeleteObject { .. } => {
            write_object_body(w, body);
        }
        CommandBody::CreateUpload { .. }
        | CommandBody::PutPart { .. }
        | CommandBody::CompleteUpload { .. }
        | CommandBody::AbortUpload { .. } => write_upload_body(w, body),
        CommandBody::Repaired { .. }
        | CommandBody::ForgetRepairs { .. }
        | CommandBody::RegisterNode { .. }
        | CommandBody::SetNodeState { .. }
        | CommandBody::SetClusterSettings { .. }
        | CommandBody::CreatePlacement { .. }
        | CommandBody::MovePlacement { .. }
        | CommandBody::PlacementProgress { .. } => cluster::write_body(w, body),
    }
}

fn write_object_body(w: &mut Writer, body: &CommandBody) {
    match body {
        CommandBody::PutObject { target, object, condition, entropy } => {
            write_target(w.u8(20), target);
            write_object(w, object);
            write_condition(w, condition);
            w.u64(*entropy);
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
            write_target(w.u8(21), target);
            write_target(w, source);
            write_version_option(w, *version);
            write_etags(w, source_condition.if_match.as_ref());
            write_etags(w, source_condition.if_none_match.as_ref());
            for date in [source_condition.if_modified_since, source_condition.if_unmodified_since] {
                w.option(date, |w, d| {
                    w.u64(d);
                });
            }
            w.option(headers.as_ref(), |w, h| {
                w.pairs(h);
            });
            write_condition(w, condition);
            w.u64(*entropy);
        }
        CommandBody::DeleteObject { target, version, condition, entropy } => {
            write_target(w.u8(22), target);
            write_version_option(w, *version);
            write_etags(w, condition.as_ref());
            w.u64(*entropy);
        }
        _ => unreachable!("`write_body` gives only the kinds above"),
    }
}

fn write_upload_body(w: &mut Writer, body: &CommandBody) {
    match body {
        CommandBody::CreateUpload { target, upload, headers, checksum } => {
            write_target(w.u8(30), target);
            w.raw(upload.as_bytes()).pairs(headers);
            write_upload_checksum(w, *checksum);
        }
        CommandBody::PutPart { target, upload, number, size, etag, checksum, data } => {
            write_target(w.u8(31), target);
            w.raw(upload.as_bytes()).u16(*number).u64(*size).etag(etag);
            w.option(checksum.as_ref(), |w, c| {
                w.checksum(c);
            });
            match data {
                None => w.u8(0),
                Some(stored) => write_stored(w, stored, [1, 2]),
            };
        }
        CommandBody::CompleteUpload { target, upload, parts, etag, checksum, size, condition, entropy } => {
            write_target(w.u8(32), target);
            w.raw(upload.as_bytes()).list(parts, |w, part| {
                w.u16(part.number).etag(&part.etag).option(part.checksum.as_ref(), |w, c| {
                    w.checksum(c);
                });
            });
            w.etag(etag).option(checksum.as_ref(), |w, c| {
                w.object_checksum(c);
            });
            w.option(*size, |w, s| {
                w.u64(s);
            });
            write_condition(w, condition);
            w.u64(*entropy);
        }
        CommandBody::AbortUpload { target, upload } => {
            write_target(w.u8(33), target);
            w.raw(upload.as_bytes());
        }
        _ => unreachable!("`write_body` gives only the kinds above"),
    }
}

fn write_target(w: &mut Writer, target: &Target) {
    w.u64(target.bucket.0).text(target.key.as_str());
}

fn write_etags(w: &mut Writer, condition: Option<&ETagCondition>) {
    match condition {
        None => w.u8(0),
        Some(ETagCondition::Any) => w.u8(1),
        Some(ETagCondition::Tags(tags)) => w.u8(2).list(tags, |w, tag| {
            w.etag(tag);
        }),
    };
}

fn write_condition(w: &mut Writer, condition: &WriteCondition) {
    write_etags(w, condition.if_match.as_ref());
    write_etags(w, condition.if_none_match.as_ref());
}

fn write_object(w: &mut Writer, object: &NewObject) {
    w.u64(object.size).etag(&object.etag);
    w.option(object.checksum.as_ref(), |w, c| {
        w.object_checksum(c);
    });
    w.pairs(&object.headers);
    match &object.data {
        NewData::Empty => w.u8(0),
        NewData::Inline(bytes) => w.u8(1).bytes(bytes),
        NewData::Stored(stored) => write_stored(w, stored, [2, 3]),
    };
}

/// Data under one of two numbers: of data that every node has, as it was written before there could be late ones,
/// and of data with late nodes. So there is one encoding of each.
fn write_stored<'w>(w: &'w mut Writer, stored: &StoredData, numbers: [u8; 2]) -> &'w mut Writer {
    if stored.late.is_empty() {
        return w.u8(numbers[0]).raw(stored.data.as_bytes());
    }
    w.u8(numbers[1]).raw(stored.data.as_bytes());
    write_nodes(w, &stored.late);
    w
}

fn write_version_option(w: &mut Writer, version: Option<VersionId>) {
    w.option(version, write_version_id);
}
