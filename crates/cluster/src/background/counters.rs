//! What the background work did so far, in numbers: for metrics, and for `esker admin status`.

use std::sync::atomic::{AtomicU64, Ordering};

/// Blobs that were fetched from other nodes to complete this one.
pub(crate) const PULLED_BLOBS_TOTAL: &str = "esker_cluster_pulled_blobs_total";
/// Their bytes.
pub(crate) const PULLED_BYTES_TOTAL: &str = "esker_cluster_pulled_bytes_total";
/// Blobs of which no readable replica was found, although some node has one.
pub(crate) const UNREADABLE_BLOBS_TOTAL: &str = "esker_cluster_unreadable_blobs_total";
/// Repair rows that were worked off.
pub(crate) const REPAIRS_DONE_TOTAL: &str = "esker_cluster_repairs_done_total";
/// Repair rows that this node has left, as of the last round.
pub(crate) const REPAIRS_PENDING: &str = "esker_cluster_repairs_pending";
/// Damaged blobs that were replaced by another node's replica.
pub(crate) const DAMAGE_REPAIRED_TOTAL: &str = "esker_cluster_damage_repaired_total";
/// Reports of damaged blobs that wait to be looked into.
pub(crate) const DAMAGE_PENDING: &str = "esker_cluster_damage_pending";
/// Blobs that were deleted here because nobody had committed them.
pub(crate) const ORPHANS_DELETED_TOTAL: &str = "esker_cluster_orphans_deleted_total";
/// Blobs that were deleted here because their placement group has moved away.
pub(crate) const STRAYS_DELETED_TOTAL: &str = "esker_cluster_strays_deleted_total";
/// Times that this node compared all its placement groups with its peers.
pub(crate) const AUDITS_TOTAL: &str = "esker_cluster_audits_total";
/// Placement groups whose move this node began, as the leader.
pub(crate) const MOVES_BEGUN_TOTAL: &str = "esker_cluster_moves_begun_total";
/// Nodes that this node declared lost, as the leader.
pub(crate) const NODES_LOST_TOTAL: &str = "esker_cluster_nodes_lost_total";

/// A number that only grows, shown as a metric too.
#[derive(Debug)]
pub(super) struct Counter {
    name: &'static str,
    value: AtomicU64,
}

impl Counter {
    const fn new(name: &'static str) -> Counter {
        Counter { name, value: AtomicU64::new(0) }
    }

    pub(super) fn add(&self, by: u64) {
        self.value.fetch_add(by, Ordering::Relaxed);
        metrics::counter!(self.name).increment(by);
    }

    pub(super) fn get(&self) -> u64 {
        self.value.load(Ordering::Relaxed)
    }
}

/// A number that goes up and down, shown as a metric too.
#[derive(Debug)]
pub(super) struct Gauge {
    name: &'static str,
    value: AtomicU64,
}

impl Gauge {
    const fn new(name: &'static str) -> Gauge {
        Gauge { name, value: AtomicU64::new(0) }
    }

    pub(super) fn set(&self, value: u64) {
        self.value.store(value, Ordering::Relaxed);
        #[allow(
            clippy::cast_precision_loss,
            reason = "metrics are doubles; counts of work are far below 2^53"
        )]
        metrics::gauge!(self.name).set(value as f64);
    }

    pub(super) fn get(&self) -> u64 {
        self.value.load(Ordering::Relaxed)
    }
}

/// All of it.
#[derive(Debug)]
pub(super) struct Counters {
    pub(super) pulled_blobs: Counter,
    pub(super) pulled_bytes: Counter,
    pub(super) unreadable: Counter,
    pub(super) repairs_done: Counter,
    pub(super) repairs_pending: Gauge,
    pub(super) damage_repaired: Counter,
    pub(super) damage_pending: Gauge,
    pub(super) orphans_deleted: Counter,
    pub(super) strays_deleted: Counter,
    pub(super) audits: Counter,
    pub(super) moves_begun: Counter,
    pub(super) nodes_lost: Counter,
}

impl Default for Counters {
    fn default() -> Counters {
        Counters {
            pulled_blobs: Counter::new(PULLED_BLOBS_TOTAL),
            pulled_bytes: Counter::new(PULLED_BYTES_TOTAL),
            unreadable: Counter::new(UNREADABLE_BLOBS_TOTAL),
            repairs_done: Counter::new(REPAIRS_DONE_TOTAL),
            repairs_pending: Gauge::new(REPAIRS_PENDING),
            damage_repaired: Counter::new(DAMAGE_REPAIRED_TOTAL),
            damage_pending: Gauge::new(DAMAGE_PENDING),
            orphans_deleted: Counter::new(ORPHANS_DELETED_TOTAL),
            strays_deleted: Counter::new(STRAYS_DELETED_TOTAL),
            audits: Counter::new(AUDITS_TOTAL),
            moves_begun: Counter::new(MOVES_BEGUN_TOTAL),
            nodes_lost: Counter::new(NODES_LOST_TOTAL),
        }
    }
}
