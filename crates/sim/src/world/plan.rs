//! What a simulation is made of, as its seed decides it.

use crate::mutants::Mutant;
use crate::watch::Watch;
use esker_env::{Random, SeededRandom};
use esker_rpc::grpc::RemoteMetadata;
use esker_rpc::transport::Network;
use esker_types::NodeId;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::watch;

/// Whether what is overwritten stays.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Versioning {
    /// As a version.
    Kept,
    /// No: its data is garbage.
    Not,
}

/// What a simulation waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ending {
    /// That nothing is missing.
    Complete,
    /// Also that nothing is left over.
    Clean,
}

/// How large a simulation is and how fast its network and disks are.
#[derive(Clone, Debug)]
pub struct Scale {
    /// Machines with replicas and data, when it begins.
    pub machines: usize,
    /// There are never more.
    pub machines_max: usize,
    /// Gateways.
    pub gateways: usize,
    /// Clients of each gateway.
    pub clients: usize,
    /// Keys that they share.
    pub keys: usize,
    /// Whether their bucket keeps versions.
    pub versioning: Versioning,
    /// How many applied entries the logs keep.
    pub entries_kept: u64,
    /// When it ends.
    pub ending: Ending,
    /// For how long they work while things fail.
    pub trouble: Duration,
    /// The longest way of a message.
    pub latency_max: Duration,
    /// The longest a job of a disk takes.
    pub disk_delay_max: Duration,
}

impl Scale {
    /// What the seed says.
    pub fn draw(random: &SeededRandom) -> Scale {
        let pick =
            |choices: &[u64]| choices[usize::try_from(random.below(choices.len() as u64)).unwrap_or(0)];
        let count = |choices: &[u64]| usize::try_from(pick(choices)).unwrap_or(1);
        let machines = count(&[1, 3, 3, 3, 3, 4, 5]);
        Scale {
            machines,
            machines_max: machines + count(&[0, 1, 2]),
            gateways: count(&[1, 2, 2]),
            clients: count(&[2, 3, 4]),
            keys: count(&[1, 2, 4]),
            versioning: if random.chance(2, 3) { Versioning::Kept } else { Versioning::Not },
            entries_kept: pick(&[5, 50, 100_000]),
            ending: if random.chance(1, 6) { Ending::Clean } else { Ending::Complete },
            trouble: Duration::from_secs(pick(&[10, 20, 30])),
            latency_max: Duration::from_millis(pick(&[3, 5, 20])),
            disk_delay_max: Duration::from_millis(pick(&[0, 1, 5])),
        }
    }
}

/// What the processes of a simulation are told.
#[derive(Debug)]
pub struct Plan {
    /// The name of the first machine.
    pub first: String,
    /// The node that begins the first group.
    pub founder: NodeId,
    /// The nodes that the cluster is formed of, and their addresses.
    pub founders: Vec<(NodeId, String)>,
    /// A mistake of the product, if it is to make one.
    pub mutant: Option<Mutant>,
    /// How large it all is.
    pub scale: Scale,
    /// Who looks at what storage nodes do.
    pub watch: Arc<Watch>,
    /// The nodes that may be asked, as they are now.
    pub members: watch::Receiver<Vec<(NodeId, String)>>,
}

impl Plan {
    /// The metadata layer as somebody reaches it who has no replica.
    pub fn remote(&self, network: &Network) -> Arc<RemoteMetadata> {
        Arc::new(RemoteMetadata::new(network.clone(), self.members.clone()))
    }
}
