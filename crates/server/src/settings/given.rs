//! What one source of settings says: flags and environment, or the configuration file.

use super::{LogFormat, SettingsError};
use clap::Args;
use serde::Deserialize;
use std::path::{Path, PathBuf};

/// The heading of the settings that are about other nodes.
const CLUSTER: &str = "Cluster";

/// What one source says of the settings. Everything is optional: another source or the default fills the gaps.
#[derive(Args, Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Given {
    /// Where everything is kept; made if it does not exist [default: esker-data]
    #[arg(long, env = "ESKER_DATA_DIR", value_name = "DIR")]
    pub(super) data_dir: Option<PathBuf>,

    /// Where S3 is served; port 0 takes a free one [default: 127.0.0.1:9000]
    #[arg(long, env = "ESKER_ADDRESS", value_name = "HOST:PORT")]
    pub(super) address: Option<String>,

    /// Where health and metrics are served [default: 127.0.0.1:9001]
    #[arg(long, env = "ESKER_CONSOLE_ADDRESS", value_name = "HOST:PORT")]
    pub(super) console_address: Option<String>,

    /// The region that requests must be signed for [default: us-east-1]
    #[arg(long, env = "ESKER_REGION", value_name = "NAME")]
    pub(super) region: Option<String>,

    /// A domain under which BUCKET.DOMAIN names a bucket; may be repeated
    #[arg(long = "domain", env = "ESKER_DOMAIN", value_name = "DOMAIN", value_delimiter = ',')]
    #[serde(default)]
    pub(super) domain: Vec<String>,

    /// The access key of the root account [default: generated at the first start; in a cluster, made of its secret]
    #[arg(long, env = "ESKER_ROOT_ACCESS_KEY", value_name = "KEY", hide_env_values = true)]
    pub(super) root_access_key: Option<String>,

    /// The secret key of the root account; rather set it by environment, since other users can see flags
    #[arg(long, env = "ESKER_ROOT_SECRET_KEY", value_name = "SECRET", hide_env_values = true)]
    pub(super) root_secret_key: Option<String>,

    /// The engine that keeps the index [default: fjall]
    #[arg(long, env = "ESKER_ENGINE", value_name = "fjall|sled")]
    pub(super) engine: Option<String>,

    /// Objects up to this many bytes are kept in the index itself [default: 16384]
    #[arg(long, env = "ESKER_INLINE_BYTES", value_name = "BYTES")]
    pub(super) inline_bytes: Option<u64>,

    /// New data is refused when the disk has less than this left [default: 2 %, at most 256 MiB]
    #[arg(long, env = "ESKER_DISK_RESERVE_BYTES", value_name = "BYTES")]
    pub(super) disk_reserve_bytes: Option<u64>,

    /// Deleted data stays readable for requests under way for this long; below 120 s only for tests [default: 3600]
    #[arg(long, env = "ESKER_GARBAGE_GRACE_SECONDS", value_name = "SECONDS")]
    pub(super) garbage_grace_seconds: Option<u64>,

    /// Data of uploads that never committed is looked into when it is this old [default: 86400]
    #[arg(long, env = "ESKER_ORPHAN_AGE_SECONDS", value_name = "SECONDS")]
    pub(super) orphan_age_seconds: Option<u64>,

    /// How often garbage, orphans and half-done bucket operations are looked for [default: 60]
    #[arg(long, env = "ESKER_UPKEEP_INTERVAL_SECONDS", value_name = "SECONDS")]
    pub(super) upkeep_interval_seconds: Option<u64>,

    /// How long the server says that it is not ready, and serves on, once it was told to stop: as long as a load balancer
    /// takes to notice [default: 0]
    #[arg(long, env = "ESKER_STOP_NOTICE_SECONDS", value_name = "SECONDS")]
    pub(super) stop_notice_seconds: Option<u64>,

    /// How long requests under way may still take once the server has stopped to take new ones [default: 30]
    #[arg(long, env = "ESKER_DRAIN_SECONDS", value_name = "SECONDS")]
    pub(super) drain_seconds: Option<u64>,

    /// Where other nodes reach this one, and where it listens for them; a node without it stays alone
    #[arg(long, env = "ESKER_CLUSTER_ADDRESS", value_name = "HOST:PORT", help_heading = CLUSTER)]
    pub(super) cluster_address: Option<String>,

    /// Where it listens for other nodes, if that differs from where they reach it
    #[arg(long, env = "ESKER_CLUSTER_LISTEN", value_name = "HOST:PORT", help_heading = CLUSTER)]
    pub(super) cluster_listen: Option<String>,

    /// Forms a new cluster of these nodes, this one included, once all of them are there; needed at the first start only
    #[arg(long, env = "ESKER_PEERS", value_name = "HOST:PORT,…", value_delimiter = ',', help_heading = CLUSTER)]
    #[serde(default)]
    pub(super) peers: Vec<String>,

    /// Joins the cluster that these nodes, any of its members, belong to
    #[arg(long, env = "ESKER_JOIN", value_name = "HOST:PORT,…", value_delimiter = ',', help_heading = CLUSTER)]
    #[serde(default)]
    pub(super) join: Vec<String>,

    /// Waits until an operator adds this node to a cluster (esker admin node add)
    #[arg(long, env = "ESKER_AWAIT_JOIN", value_name = "true|false", num_args = 0..=1, default_missing_value = "true", help_heading = CLUSTER)]
    pub(super) await_join: Option<bool>,

    /// What the nodes of a cluster show one another, at least 16 characters; rather set it by environment or file
    #[arg(long, env = "ESKER_CLUSTER_SECRET", value_name = "SECRET", hide_env_values = true, help_heading = CLUSTER)]
    pub(super) cluster_secret: Option<String>,

    /// A file with the cluster's secret
    #[arg(long, env = "ESKER_CLUSTER_SECRET_FILE", value_name = "FILE", help_heading = CLUSTER)]
    pub(super) cluster_secret_file: Option<PathBuf>,

    /// What this node does [default: gateway,metadata,storage]
    #[arg(long, env = "ESKER_ROLES", value_name = "ROLE,…", value_delimiter = ',', help_heading = CLUSTER)]
    #[serde(default)]
    pub(super) roles: Vec<String>,

    /// The node's data centre, room or rack: replicas of data go to different ones
    #[arg(long, env = "ESKER_ZONE", value_name = "NAME", help_heading = CLUSTER)]
    pub(super) zone: Option<String>,

    /// The node's machine: nodes of one machine count as one failure [default: the host name]
    #[arg(long, env = "ESKER_HOST", value_name = "NAME", help_heading = CLUSTER)]
    pub(super) host: Option<String>,

    /// The node's share of the data, relative to other nodes [default: the disk's size in GiB]
    #[arg(long, env = "ESKER_WEIGHT", value_name = "NUMBER", help_heading = CLUSTER)]
    pub(super) weight: Option<u32>,

    /// Copies of each object's data; counts when the cluster is formed, see `admin cluster set` [default: 3]
    #[arg(long, env = "ESKER_REPLICAS", value_name = "NUMBER", help_heading = CLUSTER)]
    pub(super) replicas: Option<u8>,

    /// Metadata nodes that vote, an odd number; counts when the cluster is formed, see `admin cluster set` [default: 3]
    #[arg(long, env = "ESKER_VOTERS", value_name = "NUMBER", help_heading = CLUSTER)]
    pub(super) voters: Option<u8>,

    /// A node without a sign of life for this long is given up, and what it held is rebuilt; 0: never [default: 3600]
    #[arg(long, env = "ESKER_LOST_AFTER_SECONDS", value_name = "SECONDS", help_heading = CLUSTER)]
    pub(super) lost_after: Option<u64>,

    /// The most that this node fetches from others to repair and to move data [default: 100]
    #[arg(long, env = "ESKER_MOVE_RATE", value_name = "MIB_PER_SECOND", help_heading = CLUSTER)]
    pub(super) move_rate: Option<u32>,

    /// The most that scrubbing and compaction read and write on this node's disk [default: 16]
    #[arg(long, env = "ESKER_MAINTENANCE_RATE", value_name = "MIB_PER_SECOND")]
    pub(super) maintenance_rate: Option<u32>,

    /// What the log says, as tracing-subscriber filters are written [default: info, and less of the libraries below]
    #[arg(long, env = "ESKER_LOG", value_name = "FILTER")]
    pub(super) log: Option<String>,

    /// How the log is written [default: text]
    #[arg(long, env = "ESKER_LOG_FORMAT", value_name = "FORMAT")]
    pub(super) log_format: Option<LogFormat>,
}

/// A configuration file is not longer than this many bytes.
const FILE_BYTES_MAX: u64 = 1 << 20;

impl Given {
    pub(super) fn from_file(path: &Path) -> Result<Given, SettingsError> {
        let unreadable = |what: String| SettingsError::File { path: path.to_owned(), what };
        let bytes = esker_env::read_file(&esker_env::OsDisk, path, FILE_BYTES_MAX)
            .map_err(|error| unreadable(error.to_string()))?
            .ok_or_else(|| unreadable("there is no such file".to_owned()))?;
        let text = String::from_utf8(bytes).map_err(|error| unreadable(error.to_string()))?;
        toml::from_str(&text)
            .map_err(|error| SettingsError::Syntax { path: path.to_owned(), what: error.to_string() })
    }

    /// What this source leaves open, as the other one says.
    pub(super) fn or(self, mut other: Given) -> Given {
        // One secret in two places: a source that names one of them means it.
        if self.cluster_secret.is_some() || self.cluster_secret_file.is_some() {
            (other.cluster_secret, other.cluster_secret_file) = (None, None);
        }
        Given {
            data_dir: self.data_dir.or(other.data_dir),
            address: self.address.or(other.address),
            console_address: self.console_address.or(other.console_address),
            region: self.region.or(other.region),
            domain: list(self.domain, other.domain),
            root_access_key: self.root_access_key.or(other.root_access_key),
            root_secret_key: self.root_secret_key.or(other.root_secret_key),
            engine: self.engine.or(other.engine),
            inline_bytes: self.inline_bytes.or(other.inline_bytes),
            disk_reserve_bytes: self.disk_reserve_bytes.or(other.disk_reserve_bytes),
            garbage_grace_seconds: self.garbage_grace_seconds.or(other.garbage_grace_seconds),
            orphan_age_seconds: self.orphan_age_seconds.or(other.orphan_age_seconds),
            upkeep_interval_seconds: self.upkeep_interval_seconds.or(other.upkeep_interval_seconds),
            stop_notice_seconds: self.stop_notice_seconds.or(other.stop_notice_seconds),
            drain_seconds: self.drain_seconds.or(other.drain_seconds),
            cluster_address: self.cluster_address.or(other.cluster_address),
            cluster_listen: self.cluster_listen.or(other.cluster_listen),
            peers: list(self.peers, other.peers),
            join: list(self.join, other.join),
            await_join: self.await_join.or(other.await_join),
            cluster_secret: self.cluster_secret.or(other.cluster_secret),
            cluster_secret_file: self.cluster_secret_file.or(other.cluster_secret_file),
            roles: list(self.roles, other.roles),
            zone: self.zone.or(other.zone),
            host: self.host.or(other.host),
            weight: self.weight.or(other.weight),
            replicas: self.replicas.or(other.replicas),
            voters: self.voters.or(other.voters),
            lost_after: self.lost_after.or(other.lost_after),
            move_rate: self.move_rate.or(other.move_rate),
            maintenance_rate: self.maintenance_rate.or(other.maintenance_rate),
            log: self.log.or(other.log),
            log_format: self.log_format.or(other.log_format),
        }
    }
}

fn list(first: Vec<String>, second: Vec<String>) -> Vec<String> {
    if first.is_empty() { second } else { first }
}
