//! ListParts.

use super::super::{OpContext, owner};
use super::{UploadParts, checksum_kind, require};
use crate::reply::{Reply, xml};
use esker_index::records::PartRecord;
use esker_s3::S3Error;
use esker_s3::request::operation::ListParts;
use esker_s3::xml::results::{ListPartsResult, PartEntry};

pub(in crate::ops) async fn run(cx: OpContext<'_>, request: &ListParts) -> Result<Reply, S3Error> {
    let wanted = UploadParts {
        bucket: &request.bucket,
        key: &request.key,
        upload: request.upload,
        after: request.part_number_marker,
        limit: usize::from(request.max_parts),
    };
    let (_, page) = require(cx, wanted).await?;
    let result = ListPartsResult {
        request,
        owner: owner(cx.account),
        checksum: checksum_kind(page.upload.checksum),
        parts: page.parts.into_iter().map(entry).collect(),
        next: page.next,
    };
    Ok(xml(result.to_xml()))
}

fn entry(part: PartRecord) -> PartEntry {
    PartEntry {
        number: part.number,
        last_modified: part.last_modified,
        etag: part.etag,
        size: part.size,
        checksum: part.checksum,
    }
}
