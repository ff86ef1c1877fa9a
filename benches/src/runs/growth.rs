//! A node that has grown: rates, memory and restart with ten million versions, against the same node with ten thousand.

use super::compare::Subject;
use super::context::{Context, RunError, metrics};
use super::histogram::Buckets;
use super::texts;
use crate::client::connection::Connection;
use crate::client::drive::Work;
use crate::client::setup::{add_markers, fill, make_bucket, spread};
use crate::client::sign::{Call, Payload};
use crate::process::Process;
use crate::row::{Row, Target, Unit, Verdict, grouped};
use crate::sample::Series;
use esker_env::{Clock, SystemClock};

const SIZE: usize = 4 << 10;
const CLIENTS: usize = 16;
/// Objects that are there from the beginning, and read before and after.
const OBJECTS: u64 = 10_000;
/// Clients that add delete markers; each request has 64 of them under way.
const WRITERS: usize = 4;
/// What the node tells of itself: how long applying took, or else from proposal to outcome.
const APPLY_METRICS: [&str; 2] =
    ["esker_metadata_apply_duration_seconds", "esker_metadata_proposal_duration_seconds"];

/// What a node of some size does.
struct State {
    put: Series,
    get: Series,
    apply_p99: String,
}

pub(super) async fn run(cx: &Context) -> Result<Vec<Row>, RunError> {
    let Some(versions) = cx.scale.grown_versions else {
        let what =
            ["PUT and GET rates", "memory", "restart"].map(|what| format!("10,000,000 versions: {what}"));
        let rows = what.map(|what| Row::without(what, Verdict::NotRun("only with `--long`".to_owned())));
        return Ok(rows.into());
    };
    let esker = cx.esker()?;
    make_bucket(esker.s3(), "bench").await?;
    let body = Payload::of_size(SIZE);
    let objects = OBJECTS.min(versions / 10);
    fill(esker.s3(), objects, &body, |number| format!("/bench/{number:016x}")).await?;
    let small = measure(cx, &esker, objects, "small").await?;
    add_markers(esker.s3(), "bench", versions, WRITERS, |number| format!("m/{:016x}", spread(number)))
        .await?;
    let grown = measure(cx, &esker, objects, "grown").await?;
    let rss = esker.rss_bytes()? as f64 / f64::from(1 << 20);
    let seconds = restart(cx, esker).await?;
    let count = grouped(versions as f64);
    let few = grouped(objects as f64);
    let rates = |what: &str, grown: &Series, small: &Series| {
        let ratio = grown.rate() / small.rate();
        Row::new(
            format!("{what} 4 KiB with {count} versions stored"),
            ratio,
            Unit::Times,
            Target::AtLeast(0.8),
        )
        .measured(texts::server(grown, SIZE))
        .floor(format!("with {few}: {}", texts::server(small, SIZE)))
    };
    Ok(vec![
        rates("PUT", &grown.put, &small.put),
        rates("GET", &grown.get, &small.get),
        Row::without(format!("p99 of applying with {count} versions"), Verdict::Told)
            .measured(grown.apply_p99)
            .floor(format!("with {few}: {}", small.apply_p99)),
        Row::new(format!("memory with {count} versions"), rss, Unit::Mebibytes, Target::AtMost(1024.0)),
        Row::new(format!("restart with {count} versions"), seconds, Unit::Seconds, Target::AtMost(5.0)),
    ])
}

async fn measure(cx: &Context, esker: &Process, objects: u64, name: &str) -> Result<State, RunError> {
    let body = Payload::of_size(SIZE);
    let put = |number: u64| Call::put(format!("/bench/{name}/{:016x}", spread(number)), &body);
    let get = |number: u64| Call::get(format!("/bench/{:016x}", spread(number) % objects));
    let put = Subject::new(esker, Work::new(&put));
    let get = Subject::new(esker, Work { length: Some(SIZE as u64), ..Work::new(&get) });
    let mut state = State { put: Series::default(), get: Series::default(), apply_p99: String::new() };
    let before = metrics(esker).await?;
    for _ in 0..cx.scale.rounds {
        state.put.0.push(put.turn(cx, CLIENTS).await?.sample);
        state.get.0.push(get.turn(cx, CLIENTS).await?.sample);
    }
    state.apply_p99 = apply_p99(&before, &metrics(esker).await?);
    Ok(state)
}

/// The 99th percentile of what came between two looks at the node's metrics, as far as buckets tell it, and of what.
fn apply_p99(before: &str, after: &str) -> String {
    let found = APPLY_METRICS.into_iter().find_map(|name| {
        let buckets = Buckets::parse(after, name).since(&Buckets::parse(before, name));
        Some((name, buckets.quantile(0.99)?))
    });
    found.map_or("not told".to_owned(), |(name, seconds)| format!("≤ {:.2} ms (`{name}`)", seconds * 1e3))
}

/// Seconds from the start of the process to its first answer.
async fn restart(cx: &Context, esker: Process) -> Result<f64, RunError> {
    let (status, dir) = esker.stop()?;
    let dir = dir.filter(|_| status.success());
    let dir = dir.ok_or_else(|| RunError::Wrong(format!("the node did not stop well: {status}")))?;
    let clock = SystemClock::new();
    let esker = cx.esker_in(dir)?;
    Connection::open(esker.s3()).await?.call(&Call::get("/bench/0000000000000000"), &[200]).await?;
    Ok(clock.monotonic().as_secs_f64())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_time_of_applying_is_taken_before_that_of_proposals() {
        let proposal = "esker_metadata_proposal_duration_seconds_bucket{le=\"0.0025\"} 1\n";
        let apply = "esker_metadata_apply_duration_seconds_bucket{le=\"0.001\"} 1\n";
        assert!(apply_p99("", proposal).starts_with("≤ 2.50 ms"));
        assert!(apply_p99("", &format!("{proposal}{apply}")).starts_with("≤ 1.00 ms"));
        assert_eq!(apply_p99(apply, apply), "not told");
    }
}
