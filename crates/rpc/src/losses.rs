//! What a storage node lost of what it had, as its store tells the work in the background of the same process. Never asked
//! over a network.
//!
//! A node that lost a disk does not know by itself what was on it. What belongs on the node is on others, as far as its
//! acknowledgement was not the only one that counted; so it compares itself with all of them, and says when it has.

use crate::storage::StorageError;
use async_trait::async_trait;
use std::fmt::Debug;
use tokio::sync::watch;

/// A loss that is to be made up for. Each further one has a higher number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Loss(pub u64);

/// What a store lost.
#[async_trait]
pub trait Losses: Debug + Send + Sync + 'static {
    /// The last loss, while it is not made up for. It stays known across restarts.
    fn pending(&self) -> watch::Receiver<Option<Loss>>;

    /// Says that what belongs on this node, and any other node has, is here: all of it was compared after this loss became
    /// known. Durable on return. A later loss is not touched.
    async fn made_up(&self, loss: Loss) -> Result<(), StorageError>;
}

/// A store that never loses a part.
#[derive(Debug)]
pub struct NoLosses(watch::Sender<Option<Loss>>);

impl Default for NoLosses {
    fn default() -> NoLosses {
        NoLosses(watch::Sender::new(None))
    }
}

#[async_trait]
impl Losses for NoLosses {
    fn pending(&self) -> watch::Receiver<Option<Loss>> {
        self.0.subscribe()
    }

    async fn made_up(&self, _loss: Loss) -> Result<(), StorageError> {
        Ok(())
    }
}
