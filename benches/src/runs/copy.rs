//! Copies and restores of large versions, against a put of 4 KiB: neither moves data.

use super::context::{Context, RunError};
use super::texts;
use crate::client::connection::Connection;
use crate::client::setup::{make_bucket, upload};
use crate::client::sign::{Call, Payload};
use crate::row::{Row, Target as Bound, Unit, grouped};
use crate::sample::{median, millis};
use crate::stack::{Failure, GROUP, Stack};
use esker_env::{Clock, Disk, OsDisk, SystemClock};
use esker_index::command::{CommandBody, CompletePart, StoredData, Target};
use esker_s3::checksum::multipart::multipart_etag;
use esker_types::limits::PART_BYTES_MIN;
use esker_types::{DataId, ETag, ObjectKey, UploadId, WriteCondition};
use futures::future::try_join_all;
use http::Method;
use std::cell::Cell;
use std::net::SocketAddr;

const SIZE: usize = 4 << 10;
const PARTS: u64 = 16;
/// Parts that are uploaded at a time.
const PARTS_AT_A_TIME: u16 = 100;

pub(super) async fn run(cx: &Context) -> Result<Vec<Row>, RunError> {
    let esker = cx.esker()?;
    make_bucket(esker.s3(), "bench").await?;
    let part = Payload::of_size(cx.scale.copy_part_bytes);
    upload(esker.s3(), "/bench/large", PARTS, &part).await?;
    let size = texts::size(cx.scale.copy_part_bytes * usize::try_from(PARTS).unwrap_or(1));
    let mut rows = compare(cx, esker.s3(), &format!("a version of {size}")).await?;
    let dir = cx.directory()?;
    let failed = |error: Failure| RunError::Wrong(error.to_string());
    let stack = Stack::start(&dir).await.map_err(failed)?;
    complete(&stack, cx.scale.parts).await.map_err(failed)?;
    let what = format!("a version of {} parts", grouped(f64::from(cx.scale.parts)));
    rows.extend(compare(cx, stack.s3(), &what).await?);
    drop(stack);
    OsDisk.remove_dir_all(&dir)?;
    Ok(rows)
}

/// Puts, copies and restores in turn: one request after the other.
async fn compare(cx: &Context, address: SocketAddr, what: &str) -> Result<Vec<Row>, RunError> {
    let mut connection = Connection::open(address).await?;
    let head = connection.call(&Call::new(Method::HEAD, "/bench/large"), &[200]).await?;
    let version = head.headers.get("x-amz-version-id").and_then(|id| id.to_str().ok()).unwrap_or_default();
    let body = Payload::of_size(SIZE);
    let copy = |to: &str, from: &str| Call::put(to, &Payload::none()).header("x-amz-copy-source", from);
    let restore = copy("/bench/large", &format!("/bench/large?versionId={version}"));
    let (clock, number) = (SystemClock::new(), Cell::new(0));
    let mut times = [Vec::new(), Vec::new(), Vec::new()];
    for _ in 0..cx.scale.pairs {
        number.set(number.get() + 1);
        let put = Call::put(format!("/bench/small/{}", number.get()), &body);
        let copy = copy(&format!("/bench/copy/{}", number.get()), "/bench/large");
        for (call, times) in [&put, &copy, &restore].into_iter().zip(&mut times) {
            let begun = clock.monotonic();
            connection.call(call, &[200]).await?;
            times.push(millis(clock.monotonic() - begun));
        }
    }
    let [put, copied, restored] = &times;
    let row = |verb: &str, times: &Vec<f64>| {
        let ratio = median(times.iter().zip(put).map(|(time, put)| time / put).collect());
        Row::new(format!("{verb} of {what}"), ratio, Unit::Times, Bound::AtMost(1.0))
            .measured(format!("p50 {:.2} ms", median(times.clone())))
            .floor(format!("PUT 4 KiB: p50 {:.2} ms", median(put.clone())))
    };
    Ok(vec![row("copy", copied), row("restore", restored)])
}

/// Completes an upload of as many parts of the least size that is allowed, whose bytes were never stored: copies don't
/// read them.
async fn complete(stack: &Stack, parts: u16) -> Result<(), Failure> {
    let target = Target { bucket: stack.make_bucket("bench").await?, key: ObjectKey::parse("large")? };
    let upload = UploadId::from_bytes([7; 16]);
    let begin =
        CommandBody::CreateUpload { target: target.clone(), upload, headers: Vec::new(), checksum: None };
    stack.propose(begin).await?;
    let etag = || ETag::of_body([7; 16]);
    let put = |number: u16| CommandBody::PutPart {
        target: target.clone(),
        upload,
        number,
        size: PART_BYTES_MIN,
        etag: etag(),
        checksum: None,
        data: Some(StoredData::complete(DataId::new(stack.millis(), GROUP, u64::from(number)))),
    };
    for first in (1..=parts).step_by(usize::from(PARTS_AT_A_TIME)) {
        let last = parts.min(first + PARTS_AT_A_TIME - 1);
        try_join_all((first..=last).map(|number| stack.propose(put(number)))).await?;
    }
    let named = (1..=parts).map(|number| CompletePart { number, etag: etag(), checksum: None }).collect();
    let complete = CommandBody::CompleteUpload {
        target,
        upload,
        parts: named,
        etag: multipart_etag((0..parts).map(|_| etag())).ok_or("there are parts")?,
        checksum: None,
        size: None,
        condition: WriteCondition::NONE,
        entropy: 7,
    };
    stack.propose(complete).await.map(drop)
}
