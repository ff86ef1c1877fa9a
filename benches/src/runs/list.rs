//! Pages of versions: what an entry costs when fresh, what it costs between deleted ones, and what a long history costs.

use super::context::{Context, RunError};
use crate::client::connection::Connection;
use crate::client::setup::{add_markers, delete_objects, fill, make_bucket, next_page, versions_page};
use crate::client::sign::{Call, Payload};
use crate::process::Process;
use crate::row::{Row, Target, Unit, grouped};
use crate::sample::{median, millis};
use esker_env::{Clock, SystemClock};
use futures::future::try_join_all;
use std::time::Duration;

/// Versions of each key in the bucket whose pages are walked, and how many of them are deleted then.
const VERSIONS: u64 = 10;
const DELETED: usize = 8;
/// Walks whose processor time is added up: Linux counts it in hundredths of a second.
const WALKS: u64 = 5;
/// Versions of a page.
const PAGE: u64 = 1000;
/// Clients that delete.
const DELETERS: usize = 8;
/// Clients that add versions to one key: each adds one at a time.
const WRITERS: usize = 128;

pub(super) async fn run(cx: &Context) -> Result<Vec<Row>, RunError> {
    let esker = cx.esker()?;
    let mut rows = walks(cx, &esker).await?;
    rows.push(first_page(cx, &esker).await?);
    Ok(rows)
}

/// What a walk over all pages found, and the processor time that it cost the server.
struct Walk {
    versions: Vec<(String, String)>,
    cpu: Duration,
}

impl Walk {
    fn entries_per_second(&self) -> f64 {
        self.versions.len() as f64 / self.cpu.as_secs_f64()
    }
}

async fn walks(cx: &Context, esker: &Process) -> Result<Vec<Row>, RunError> {
    make_bucket(esker.s3(), "walked").await?;
    let keys = cx.scale.list_keys;
    fill(esker.s3(), keys * VERSIONS, &Payload::none(), |number| format!("/walked/k{:08}", number % keys))
        .await?;
    let fresh = walk(esker).await?;
    expect(fresh.versions.len() as u64, keys * VERSIONS)?;
    let of_keys = fresh.versions.chunk_by(|one, other| one.0 == other.0);
    let doomed: Vec<(String, String)> = of_keys.flat_map(|versions| versions[1..=DELETED].to_vec()).collect();
    let shares = doomed.chunks(doomed.len().div_ceil(DELETERS).max(1));
    try_join_all(shares.map(|share| delete(esker, share))).await?;
    let thinned = walk(esker).await?;
    expect(thinned.versions.len() as u64, keys * (VERSIONS - DELETED as u64))?;
    let row = |what: &str, walk: &Walk, bound| {
        let what = format!("list-versions, pages of 1,000, {what}");
        let rate = walk.entries_per_second();
        let row = Row::new(what, rate, Unit::PerCoreSecond, Target::AtLeast(bound));
        row.measured(format!("{} entries", grouped(walk.versions.len() as f64)))
    };
    Ok(vec![row("fresh", &fresh, 4e5), row("after 80 % were deleted", &thinned, 1e5)])
}

fn expect(found: u64, expected: u64) -> Result<(), RunError> {
    if found == expected {
        Ok(())
    } else {
        Err(RunError::Wrong(format!("{found} versions of {expected} are listed")))
    }
}

/// All versions, and the mean cost of a walk.
async fn walk(esker: &Process) -> Result<Walk, RunError> {
    let mut connection = Connection::open(esker.s3()).await?;
    let before = esker.cpu()?;
    let mut versions = Vec::new();
    for _ in 0..WALKS {
        versions.clear();
        let mut next = None;
        loop {
            let reply = connection.call(&versions_page("walked", next.as_ref()), &[200]).await?;
            versions.extend(reply.elements("Key").into_iter().zip(reply.elements("VersionId")));
            next = next_page(&reply);
            if next.is_none() {
                break;
            }
        }
    }
    let cpu = (esker.cpu()? - before) / u32::try_from(WALKS).unwrap_or(1);
    Ok(Walk { versions, cpu })
}

async fn delete(esker: &Process, versions: &[(String, String)]) -> Result<(), RunError> {
    let mut connection = Connection::open(esker.s3()).await?;
    for versions in versions.chunks(1000) {
        let entries = versions.iter().map(|(key, version)| (key.clone(), Some(version.clone())));
        let reply = connection.call(&delete_objects("walked", entries), &[200]).await?;
        if let Some(why) = reply.elements("Message").first() {
            return Err(RunError::Wrong(format!("a version was not deleted: {why}")));
        }
    }
    Ok(())
}

/// The newest thousand versions of a key are objects; what lies behind them are delete markers, which fill a history in
/// a tenth of the requests.
async fn history(esker: &Process, bucket: &str, versions: u64) -> Result<Call, RunError> {
    make_bucket(esker.s3(), bucket).await?;
    add_markers(esker.s3(), bucket, versions.saturating_sub(PAGE), WRITERS, |_| "key".to_owned()).await?;
    fill(esker.s3(), PAGE, &Payload::none(), |_| format!("/{bucket}/key")).await?;
    Ok(versions_page(bucket, None))
}

async fn first_page(cx: &Context, esker: &Process) -> Result<Row, RunError> {
    let many = cx.scale.versions_of_a_key;
    let pages = [history(esker, "short", PAGE).await?, history(esker, "long", many).await?];
    let mut connection = Connection::open(esker.s3()).await?;
    let clock = SystemClock::new();
    let mut times = [Vec::new(), Vec::new()];
    for _ in 0..cx.scale.pairs {
        for (page, times) in pages.iter().zip(&mut times) {
            let begun = clock.monotonic();
            let reply = connection.call(page, &[200]).await?;
            times.push(millis(clock.monotonic() - begun));
            expect(reply.elements("VersionId").len() as u64, PAGE)?;
        }
    }
    let ratio = median(times[1].iter().zip(&times[0]).map(|(long, short)| long / short).collect());
    let [short, long] = times.map(median);
    let what = format!("first page of a key with {} versions", grouped(many as f64));
    Ok(Row::new(what, ratio, Unit::Times, Target::AtMost(1.2))
        .measured(format!("{long:.2} ms"))
        .floor(format!("of one with 1,000: {short:.2} ms")))
}
