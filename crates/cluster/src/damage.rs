//! Replicas that readers found damaged or missing, on their way to those who repair them.

use esker_types::{BlobId, NodeId};
use tokio::sync::mpsc;

/// A replica that is not what it should be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Damage {
    /// The node that should have it.
    pub node: NodeId,
    /// The blob, which another node has, or had.
    pub blob: BlobId,
}

/// Where damage is reported. Reports that find no room are dropped: whoever reads the blob next, the scrubber and the
/// audit find it again.
#[derive(Clone, Debug)]
pub struct DamageSink(Option<mpsc::Sender<Damage>>);

impl DamageSink {
    /// A sink with room for so many reports (at least one), and its other end.
    pub fn channel(room: usize) -> (DamageSink, mpsc::Receiver<Damage>) {
        let (sender, receiver) = mpsc::channel(room.max(1));
        (DamageSink(Some(sender)), receiver)
    }

    /// A sink for those who repair nothing.
    pub fn none() -> DamageSink {
        DamageSink(None)
    }

    /// Reports damage, if there is room.
    pub fn report(&self, damage: Damage) {
        if let Some(sender) = &self.0 {
            let _ = sender.try_send(damage);
        }
    }
}
