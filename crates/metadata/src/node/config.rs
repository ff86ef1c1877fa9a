//! openraft's settings from ours.

use std::sync::Arc;
use std::time::Duration;

use openraft::{Config, ConfigError, SnapshotPolicy};

use crate::node::Settings;

/// The most entries in one replication message; the log reader bounds their bytes, too.
const ENTRIES_PER_MESSAGE: u64 = 1024;

pub(crate) fn config(settings: &Settings) -> Result<Arc<Config>, Box<ConfigError>> {
    let millis = |duration: Duration| u64::try_from(duration.as_millis()).unwrap_or(u64::MAX);
    // What the network gives a snapshot is three quarters of what openraft allows.
    let install_snapshot_timeout = millis(settings.snapshot_idle_max).saturating_mul(4) / 3;
    let config = Config {
        cluster_name: settings.cluster.to_string(),
        election_timeout_min: millis(settings.election_timeout_min),
        election_timeout_max: millis(settings.election_timeout_max),
        heartbeat_interval: millis(settings.heartbeat_interval),
        install_snapshot_timeout,
        max_payload_entries: ENTRIES_PER_MESSAGE,
        snapshot_policy: SnapshotPolicy::LogsSinceLast(settings.entries_per_snapshot),
        max_in_snapshot_log_to_keep: settings.entries_kept,
        // An isolated node must not disturb the others with ever higher terms.
        enable_pre_vote: Some(true),
        // A restarted leader whose rows are behind must win an election, which brings them up to date, first.
        enable_leader_restore: Some(false),
        // A leader that hears nothing, but is heard, would keep the others from electing one that can commit. The
        // shortest time that openraft accepts.
        quorum_loss_probe_interval: Some(millis(settings.election_timeout_max).saturating_mul(2)),
        // A log that lost entries is a failure to report, not one to paper over.
        allow_log_reversion: Some(false),
        ..Config::default()
    };
    Ok(Arc::new(config.validate().map_err(Box::new)?))
}
