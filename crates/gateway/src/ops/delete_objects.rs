//! DeleteObjects: one command for each entry, since each has its own outcome.

use super::delete_object::delete;
use super::{OpBody, OpContext};
use crate::reply::{Reply, xml};
use esker_index::outcome::Marker;
use esker_s3::xml::read::{self, DeleteEntry, Verbosity};
use esker_s3::xml::results::{DeleteMarkerEffect, DeleteOutcome, DeleteResult};
use esker_s3::{ErrorCode, S3Error};
use esker_types::{BucketName, VersionId};
use futures::StreamExt as _;
use std::collections::HashMap;

/// Keys that are worked on at a time: enough to fill the group's pipeline from one request.
const KEYS_IN_FLIGHT: usize = 64;

pub(super) async fn run(cx: OpContext<'_>, bucket: &BucketName, body: OpBody) -> Result<Reply, S3Error> {
    let request = read::delete_objects(&body.document(cx).await?)?;
    // A missing bucket is an error of the request, not of each entry.
    cx.core.confirmed_route(bucket).await?;
    let count = request.entries.len();
    let work = by_key(request.entries).into_iter().map(|entries| async move {
        let mut outcomes = Vec::with_capacity(entries.len());
        // Entries of one key depend on each other's order; those of different keys do not.
        for (at, entry) in entries {
            outcomes.push((at, delete_one(cx, bucket, entry).await));
        }
        outcomes
    });
    let done: Vec<_> = futures::stream::iter(work).buffer_unordered(KEYS_IN_FLIGHT).collect().await;
    let mut outcomes: Vec<(usize, DeleteOutcome)> = done.into_iter().flatten().collect();
    debug_assert_eq!(outcomes.len(), count);
    outcomes.sort_by_key(|(at, _)| *at);
    let shown = |outcome: &DeleteOutcome| {
        request.verbosity == Verbosity::Full || matches!(outcome, DeleteOutcome::Failed { .. })
    };
    let outcomes = outcomes.into_iter().map(|(_, outcome)| outcome).filter(shown).collect();
    Ok(xml(DeleteResult { outcomes }.to_xml()))
}

/// The entries of each key in their order, with their places in the request.
fn by_key(entries: Vec<DeleteEntry>) -> Vec<Vec<(usize, DeleteEntry)>> {
    let mut places: HashMap<String, usize> = HashMap::new();
    let mut grouped: Vec<Vec<(usize, DeleteEntry)>> = Vec::new();
    for (at, entry) in entries.into_iter().enumerate() {
        let place = *places.entry(entry.key.clone()).or_insert(grouped.len());
        match grouped.get_mut(place) {
            Some(group) => group.push((at, entry)),
            None => grouped.push(vec![(at, entry)]),
        }
    }
    grouped
}

async fn delete_one(cx: OpContext<'_>, bucket: &BucketName, entry: DeleteEntry) -> DeleteOutcome {
    let DeleteEntry { key, version, target } = entry;
    let target = match target {
        Ok(target) => target,
        Err(error) => return DeleteOutcome::Failed { key, version, error },
    };
    match delete(cx, bucket, &target.key, target.version, target.if_match.as_ref()).await {
        Ok((done, marker)) => match effect(done, marker) {
            Some(marker) => DeleteOutcome::Deleted { key, version: target.version, marker },
            None => DeleteOutcome::Failed { key, version, error: ErrorCode::InternalError.into() },
        },
        Err(error) => DeleteOutcome::Failed { key, version, error },
    }
}

/// `None` if a marker was touched that has no id, which cannot be.
fn effect(version: Option<VersionId>, marker: Marker) -> Option<DeleteMarkerEffect> {
    Some(match marker {
        Marker::None => DeleteMarkerEffect::None,
        Marker::Added => DeleteMarkerEffect::Added(version?),
        Marker::Removed => DeleteMarkerEffect::Removed(version?),
    })
}
