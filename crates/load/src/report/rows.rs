//! The table of a run, or of several side by side: what a terminal, Markdown and the page show alike.

use super::lines::{End, EndOf};
use super::units::{bytes_per_second, duration, number};
use crate::plan::Kind;
use std::collections::BTreeSet;

/// The names of the columns; the first two are texts, the others numbers.
pub const COLUMNS: [&str; 10] =
    ["work", "run", "per second", "payload", "p50", "p90", "p99", "p99.9", "max", "failed"];

/// A row for each kind of work and run: kinds in their order, runs as given.
pub fn rows(runs: &[(&str, &End)]) -> Vec<[String; 10]> {
    let kinds: BTreeSet<Kind> = runs.iter().flat_map(|(_, end)| end.kinds.keys().copied()).collect();
    let of_kind = |kind: Kind| {
        runs.iter()
            .filter_map(move |(name, end)| end.kinds.get(&kind).map(|of| row(kind, name, of, end.elapsed_us)))
    };
    kinds.into_iter().flat_map(of_kind).collect()
}

fn row(kind: Kind, run: &str, of: &EndOf, elapsed_us: u64) -> [String; 10] {
    let seconds = (elapsed_us as f64 / 1e6).max(1e-6);
    let time = |micros: u64| if of.done == 0 { "–".to_owned() } else { duration(micros as f64) };
    let spread = &of.latency;
    [
        kind.to_string(),
        run.to_owned(),
        number(of.done as f64 / seconds),
        if of.bytes == 0 { "–".to_owned() } else { bytes_per_second(of.bytes as f64 / seconds) },
        time(spread.p50_us),
        time(spread.p90_us),
        time(spread.p99_us),
        time(spread.p999_us),
        time(spread.max_us),
        of.failed().to_string(),
    ]
}

/// What a table does not say, in sentences.
pub fn remarks(name: &str, end: &End) -> Vec<String> {
    let mut remarks = Vec::new();
    if end.kinds.is_empty() {
        remarks.push(format!("{name}: nothing was measured, since the load ended in its warm-up."));
    }
    let behind = |of: &EndOf| of.latency.p99_us > of.service.p99_us.saturating_mul(2) && of.done > 0;
    if end.never_begun > 0 || end.kinds.values().any(behind) {
        remarks.push(format!(
            "{name}: all connections were busy when requests were to begin, so latencies hold the time that these \
             waited; {} were never begun.",
            end.never_begun
        ));
    }
    for (kind, of) in &end.kinds {
        for count in &of.failures {
            remarks.push(format!("{name}: {kind}, {} failed: {}.", count.count, count.failure));
        }
        if of.retries > 0 {
            remarks.push(format!("{name}: {kind}, {} sent again after 503.", of.retries));
        }
    }
    if let Some(read) = &end.read_back {
        remarks.push(format!("{name}: {} objects were read again after the load.", read.checked));
        for count in &read.failures {
            remarks.push(format!("{name}: of these, {} failed: {}.", count.count, count.failure));
        }
    }
    let (cpu, requests) = (end.client.cpu_us as f64, end.requests());
    remarks.push(format!(
        "{name}: {requests} requests in {}; the harness used {} of processor time, {} a request.",
        duration(end.elapsed_us as f64),
        duration(cpu),
        duration(end.client.cpu_us_per_request)
    ));
    if let Some(left) = &end.cleanup.left {
        remarks.push(format!("{name}: not cleared up: {left}."));
    }
    remarks
}
