//! ListObjectVersions.

use super::list_objects::checksum_kind;
use super::{OpContext, owner};
use crate::reply::{Reply, xml};
use esker_index::query::{self, Answer, KeyFilter, Query, VersionMarker, VersionsPage};
use esker_index::records::VersionBody;
use esker_s3::S3Error;
use esker_s3::request::operation::{ListObjectVersions, VersionsMarker};
use esker_s3::xml::results::{ListVersionsResult, VersionEntry, VersionKind};

pub(super) async fn run(cx: OpContext<'_>, request: &ListObjectVersions) -> Result<Reply, S3Error> {
    let ListObjectVersions { bucket, prefix, delimiter, max_keys, marker, .. } = request;
    let filter = KeyFilter { prefix: prefix.clone(), delimiter: delimiter.clone() };
    let after = marker.clone().map(|marker| VersionMarker { key: marker.key, version: marker.version });
    let query = |bucket| Query::Versions {
        bucket,
        filter: filter.clone(),
        after: after.clone(),
        limit: usize::from(*max_keys),
    };
    let pick = |answer| match answer {
        Answer::Versions(page) => Some(page),
        _ => None,
    };
    let (_, page) = cx.core.ask(bucket, query, pick).await?;
    let VersionsPage { entries, common_prefixes, next } = page;
    let result = ListVersionsResult {
        request,
        versions: entries.into_iter().map(|entry| shown(entry, cx.account)).collect(),
        common_prefixes,
        next: next.map(|next| VersionsMarker { key: next.key, version: next.version }),
    };
    Ok(xml(result.to_xml()))
}

fn shown(entry: query::VersionEntry, account: &str) -> VersionEntry {
    let query::VersionEntry { key, record, latest, .. } = entry;
    let kind = match record.body {
        VersionBody::DeleteMarker => VersionKind::DeleteMarker,
        VersionBody::Object(object) => VersionKind::Object {
            checksum: checksum_kind(object.checksum.as_ref()),
            etag: object.etag,
            size: object.size,
        },
    };
    VersionEntry {
        key,
        version: record.id,
        is_latest: latest,
        last_modified: record.last_modified,
        owner: owner(account),
        kind,
    }
}
