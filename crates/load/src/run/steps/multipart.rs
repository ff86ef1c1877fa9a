//! Multipart uploads, each by one worker, a part after the other.

use super::Written;
use crate::client::{Call, Reply, Take, Verb};
use crate::plan::Kind;
use crate::record::{Failure, FailureKind};
use crate::run::worker::Worker;
use esker_s3::xml::read;
use std::time::Duration;

impl Worker {
    pub(super) async fn multipart(&mut self, intended: Duration) {
        let sequence = self.state.sequence;
        self.state.sequence += 1;
        let site = self.load.site.clone();
        let key = site.keys.written(self.number, sequence);
        let (parts, part_bytes) = (site.settings.parts, site.settings.part_bytes);
        let size = u64::from(parts) * part_bytes;
        if !self.load.may_put(size) {
            return;
        }
        let begun = self.load.now();
        let call = Call::object(Verb::Post, &site.bucket, &key, "uploads");
        let created = self.perform_checked(Kind::CreateUpload, intended, call, Take::Keep, 0, |reply| {
            let malformed = |_| Failure::new(FailureKind::Malformed, "no upload id");
            read::upload_id(&reply.body).map(drop).map_err(malformed)
        });
        let Some(upload) = created.await.and_then(|reply| read::upload_id(&reply.body).ok()) else { return };
        let mut etags = Vec::new();
        for number in 1..=parts {
            let query = format!("partNumber={number}&");
            let payload = site.payload(&key, size, u64::from(number - 1) * part_bytes, part_bytes);
            let call = Call::upload(Verb::Put, &site.bucket, &key, &query, &upload).payload(payload);
            let now = self.load.now();
            let reply = self.perform_checked(Kind::UploadPart, now, call, Take::Count, part_bytes, has_etag);
            let Some(etag) = reply.await.and_then(|reply| reply.etag().map(str::to_owned)) else { return };
            etags.push(etag);
        }
        let (call, now) = (Call::complete(&site.bucket, &key, &upload, &etags), self.load.now());
        let completed = self.perform_checked(Kind::CompleteUpload, now, call, Take::Keep, 0, completed);
        if completed.await.is_some() {
            self.record_whole(Kind::Multipart, intended, begun, size);
            self.remember(Written { key, size: Some(size), version: None });
        }
    }
}

fn has_etag(reply: &Reply) -> Result<(), Failure> {
    reply.etag().map(drop).ok_or_else(|| Failure::new(FailureKind::Malformed, "no ETag"))
}

/// An upload that can't be completed may be told so in a reply of success.
fn completed(reply: &Reply) -> Result<(), Failure> {
    match read::error_code(&reply.body) {
        Some(code) => Err(Failure::status(200, Some(&code))),
        None => Ok(()),
    }
}
