//! The loop that a server runs beside a store.

use super::{Round, SegmentFacts, Throttle, plan};
use crate::core::Core;
use crate::index::SegmentState;
use crate::store::SegmentStore;
use crate::telemetry;
use esker_env::DiskResult;
use esker_types::BlobId;
use std::collections::HashSet;
use std::time::Duration;
use tokio_util::sync::CancellationToken;

/// What planning needs to know of the sealed segments.
pub(crate) fn facts(core: &Core) -> DiskResult<Vec<SegmentFacts>> {
    let sealed: Vec<_> = core
        .index
        .usages()
        .iter()
        .filter(|(_, usage)| usage.state == SegmentState::Sealed)
        .map(|(number, usage)| (*number, *usage))
        .collect();
    let mut facts = Vec::new();
    for (number, usage) in sealed {
        let allocated_bytes = match core.files.get(number) {
            Ok(file) => file.allocated_bytes()?,
            Err(error) if error.is_not_found() => continue,
            Err(error) => return Err(error),
        };
        let (live_bytes, tombstone_bytes) = (usage.live_bytes, usage.tombstone_bytes);
        facts.push(SegmentFacts { number, allocated_bytes, live_bytes, tombstone_bytes });
    }
    Ok(facts)
}

/// Publishes the gauges, and returns how many bytes are dead.
#[expect(clippy::cast_precision_loss, reason = "gauges are floating point")]
pub(crate) fn publish(core: &Core, facts: &[SegmentFacts]) -> u64 {
    let (segments, live) = {
        let usages = core.index.usages();
        (usages.len(), usages.values().map(|usage| usage.live_bytes).sum::<u64>())
    };
    let dead: u64 = facts.iter().map(|f| f.allocated_bytes.saturating_sub(f.live_bytes)).sum();
    metrics::gauge!(telemetry::SEGMENTS).set(segments as f64);
    metrics::gauge!(telemetry::LIVE_BYTES).set(live as f64);
    metrics::gauge!(telemetry::DEAD_BYTES).set(dead as f64);
    core.set_dead_bytes(dead);
    dead
}

/// Compacts and scrubs until `shutdown`. `on_corrupt` gets the blobs that scrubbing or a read found damaged; one that
/// isn't repaired may be told of again.
///
/// Being cancelled anywhere is fine: compaction leaves a valid store after each of its steps.
pub(crate) async fn run(
    store: &SegmentStore,
    shutdown: &CancellationToken,
    on_corrupt: impl Fn(&[BlobId]) + Send + Sync,
) {
    let work = async {
        let core = store.core();
        let throttle = Throttle::BytesPerSecond(core.options.maintenance_bytes_per_second);
        let mut stuck = HashSet::new();
        let mut next_round = Duration::ZERO;
        loop {
            if let Err(error) = compact_planned(store, throttle, &mut stuck).await {
                tracing::warn!(%error, "compaction stopped; it is tried again");
            }
            if core.clock.monotonic() >= next_round {
                match store.scrub_step(core.options.maintenance_bytes_per_second.max(1), throttle).await {
                    Ok(report) => {
                        tell(core, report.corrupt, &on_corrupt);
                        if report.round == Round::Ongoing {
                            continue;
                        }
                        next_round = core.clock.monotonic() + core.options.scrub_interval;
                    }
                    Err(error) => tracing::warn!(%error, "scrubbing stopped; it is tried again"),
                }
            }
            wait(core, &on_corrupt).await;
        }
    };
    tokio::select! {
        () = shutdown.cancelled() => {}
        () = work => {}
    }
}

/// Tells of the blobs that scrubbing found damaged, and of those that reads did.
fn tell(core: &Core, mut corrupt: Vec<BlobId>, on_corrupt: &impl Fn(&[BlobId])) {
    corrupt.extend(core.suspects.take_untold());
    corrupt.sort();
    corrupt.dedup();
    if !corrupt.is_empty() {
        on_corrupt(&corrupt);
    }
}

/// Waits for the next look at the segments. What reads find damaged meanwhile is told at once.
async fn wait(core: &Core, on_corrupt: &impl Fn(&[BlobId])) {
    let pause = tokio::time::sleep(core.options.maintenance_interval);
    tokio::pin!(pause);
    loop {
        tokio::select! {
            () = &mut pause => return,
            () = core.suspects.found() => tell(core, Vec::new(), on_corrupt),
        }
    }
}

async fn compact_planned(
    store: &SegmentStore,
    throttle: Throttle,
    stuck: &mut HashSet<u64>,
) -> Result<(), esker_rpc::StorageError> {
    let facts = store.segment_facts().await?;
    publish(store.core(), &facts);
    for segment in plan(&facts, store.core().options.segment_bytes) {
        if !stuck.contains(&segment) && !store.compact_segment(segment, throttle).await?.removed {
            tracing::warn!(segment, "a segment can't be emptied: a blob in it is damaged");
            stuck.insert(segment);
        }
    }
    Ok(())
}
