//! What the background work is told.

use esker_types::GroupId;
use std::num::{NonZeroU16, NonZeroU64, NonZeroUsize};
use std::time::Duration;

/// What the background work is told.
#[derive(Clone, Debug)]
pub struct BackgroundSettings {
    /// The Raft groups whose data is looked after: all that own data.
    pub groups: Vec<GroupId>,
    /// Most bytes per second that this node fetches to complete itself.
    pub move_bytes_per_second: NonZeroU64,
    /// How long a job waits after it was interrupted.
    pub retry: Duration,
    /// How often this node looks for repairs that are recorded for it.
    pub repair_interval: Duration,
    /// How long it waits after a round of repairs that could not do all, or when a stray could not be given away.
    pub repair_retry: Duration,
    /// How often this node compares all its placement groups with its peers, beginning at the start.
    pub audit_interval: Duration,
    /// How often this node looks for blobs that do not belong here, beginning at the start; after each move anyway.
    pub stray_interval: Duration,
    /// How old an upload is before its data is looked into; longer than any upload takes. Twice in this time this
    /// node looks for data that nobody committed.
    pub orphan_age: Duration,
    /// How often each storage node is asked for a sign of life, and how long it may take.
    pub ping_interval: Duration,
    /// What the leader does for all.
    pub coordinator: CoordinatorSettings,
}

/// What the node that leads the directory group does for all.
#[derive(Clone, Debug)]
pub struct CoordinatorSettings {
    /// How often it looks at the topology.
    pub interval: Duration,
    /// How many placement groups a new cluster gets.
    pub placement_groups: NonZeroU16,
    /// How many storage nodes are expected before blobs get their places.
    pub nodes_expected: NonZeroUsize,
    /// How long they are waited for once there is one.
    pub nodes_wait: Duration,
    /// Most placement groups that move at the same time.
    pub moves_max: usize,
    /// A storage node that gives no sign of life for so long is declared lost, if others can take its place. None:
    /// only operators declare nodes lost.
    pub lost_after: Option<Duration>,
}

/// 100 MiB.
const MOVE_BYTES_PER_SECOND: NonZeroU64 = NonZeroU64::new(100 << 20).expect("not zero");
const PLACEMENT_GROUPS: NonZeroU16 = NonZeroU16::new(128).expect("not zero");
const HOUR: Duration = Duration::from_secs(60 * 60);

impl Default for BackgroundSettings {
    fn default() -> BackgroundSettings {
        BackgroundSettings {
            groups: vec![GroupId::DIRECTORY],
            move_bytes_per_second: MOVE_BYTES_PER_SECOND,
            retry: Duration::from_secs(1),
            repair_interval: Duration::from_secs(2),
            repair_retry: Duration::from_secs(30),
            audit_interval: 24 * HOUR,
            stray_interval: HOUR,
            orphan_age: 24 * HOUR,
            ping_interval: Duration::from_secs(2),
            coordinator: CoordinatorSettings::default(),
        }
    }
}

impl Default for CoordinatorSettings {
    fn default() -> CoordinatorSettings {
        CoordinatorSettings {
            interval: Duration::from_secs(1),
            placement_groups: PLACEMENT_GROUPS,
            nodes_expected: NonZeroUsize::MIN,
            nodes_wait: Duration::from_secs(30),
            moves_max: 16,
            lost_after: Some(HOUR),
        }
    }
}
