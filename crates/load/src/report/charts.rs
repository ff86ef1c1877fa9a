//! The charts of one kind of work, of all runs.

use super::chart::{Axis, Chart, Series};
use super::lines::SecondOf;
use super::past::Past;
use super::units::{bytes_per_second, duration, number};
use crate::plan::Kind;
use crate::record::Latencies;

/// Latency by share of requests.
pub(super) fn percentiles(runs: &[Past], kind: Kind) -> Chart {
    let mut lines = Vec::new();
    let (mut nines, mut low, mut high) = (1.0f64, f64::MAX, 1.0f64);
    for (colour, run) in runs.iter().enumerate() {
        let histogram = run.end.kinds.get(&kind).and_then(|of| Latencies::decode(&of.latency.histogram).ok());
        let Some(latencies) = histogram.filter(|latencies| latencies.count() > 0) else { continue };
        let points = curve(&latencies);
        nines = points.last().map_or(nines, |(x, _)| x.max(nines));
        low = points.first().map_or(low, |(_, y)| y.min(low));
        high = points.last().map_or(high, |(_, y)| y.max(high));
        let points = points.into_iter().map(|(x, y)| (x, y.log10())).collect();
        lines.push(Series { name: run.name.clone(), colour, points });
    }
    Chart {
        title: format!("{kind}: latency by share of requests"),
        x: Axis::nines("requests that are not slower", nines),
        y: Axis::decades("", low.min(high), high, duration),
        lines,
    }
}

/// Latencies in microseconds by nines, up to the share that one request makes.
fn curve(latencies: &Latencies) -> Vec<(f64, f64)> {
    let end = (latencies.count() as f64).log10();
    let mut points = Vec::new();
    let mut nines = 0.0;
    while nines < end {
        points.push((nines, latencies.quantile_micros(1.0 - 10f64.powf(-nines)).max(1) as f64));
        nines += 0.05;
    }
    points.push((end, latencies.max_micros().max(1) as f64));
    points
}

/// Throughput and latency by time.
pub(super) fn over_time(runs: &[Past], kind: Kind) -> Vec<Chart> {
    let rate = |per: f64, of: &SecondOf| of.done as f64 / per;
    let bytes = |per: f64, of: &SecondOf| of.bytes as f64 / per;
    let p99 = |_: f64, of: &SecondOf| of.p99_us as f64;
    let has_bytes = runs.iter().any(|run| run.end.kinds.get(&kind).is_some_and(|of| of.bytes > 0));
    let mut charts = vec![by_time(runs, kind, "done per second", rate, number)];
    if has_bytes {
        charts.push(by_time(runs, kind, "payload", bytes, bytes_per_second));
    }
    charts.push(by_time(runs, kind, "99 % of each second's requests are not slower than", p99, duration));
    charts
}

/// A chart of what `value` makes of each second, whose length in seconds it is given.
fn by_time(
    runs: &[Past],
    kind: Kind,
    what: &str,
    value: impl Fn(f64, &SecondOf) -> f64,
    show: impl Fn(f64) -> String,
) -> Chart {
    let mut lines = Vec::new();
    let (mut end, mut high) = (1.0f64, 0.0f64);
    for (colour, run) in runs.iter().enumerate() {
        let mut points = Vec::new();
        let mut before = 0.0;
        for second in &run.seconds {
            let at = second.at_us as f64 / 1e6;
            let stretch = at - before;
            before = at;
            // The last stretch, until the workers have ended, may be too short to tell anything.
            if stretch < 0.5 && !points.is_empty() {
                continue;
            }
            let of = second.kinds.get(&kind).copied().unwrap_or(NOTHING);
            points.push((at, value(stretch.max(1e-3), &of)));
        }
        end = points.last().map_or(end, |(x, _)| x.max(end));
        high = points.iter().map(|(_, y)| *y).fold(high, f64::max);
        lines.push(Series { name: run.name.clone(), colour, points });
    }
    Chart {
        title: format!("{kind}: {what}"),
        x: Axis::linear("seconds", end, number),
        y: Axis::linear("", high, show),
        lines,
    }
}

const NOTHING: SecondOf = SecondOf { done: 0, failed: 0, bytes: 0, p50_us: 0, p99_us: 0, max_us: 0 };
