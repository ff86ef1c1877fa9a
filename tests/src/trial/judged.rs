//! A cluster after its trial: nobody writes any more, and what is there is known.

use super::verdict::read_back_by_all;
use crate::cluster::{Cluster, PATIENCE};
use crate::load::body;
use esker_checker::{Entry, Listed};
use std::sync::MutexGuard;

/// Objects above this are blobs of the storage nodes; smaller ones are kept in the index.
const INLINE_BYTES: usize = 16_384;

/// The cluster, and the versions that are in its bucket.
pub struct Judged {
    /// The cluster.
    pub cluster: Cluster,
    pub(super) bucket: String,
    pub(super) versions: Vec<Listed>,
    pub(super) _alone: MutexGuard<'static, ()>,
}

impl Judged {
    /// Reads every version through a node, which must be right to the last byte.
    #[track_caller]
    pub fn read_all_through(&self, index: usize) {
        let read = read_back_by_all(&[self.cluster.node(index).s3()], &self.bucket, &self.versions);
        read.unwrap_or_else(|why| panic!("{why}"));
    }

    /// How many blobs every node of three has that lacks nothing.
    pub fn blobs(&self) -> u64 {
        let is_blob = |listed: &&Listed| match listed.entry {
            Entry::Object(value) => body(value).len() > INLINE_BYTES,
            Entry::DeleteMarker => false,
        };
        self.versions.iter().filter(is_blob).count() as u64
    }

    /// Awaits that nothing moves and nothing is to be repaired, and that a node, which is to have a replica of everything,
    /// has at least as many blobs as there are.
    #[track_caller]
    pub fn await_replicated(&self, index: usize) {
        let (address, blobs) = (self.cluster.node(index).cluster_address(), self.blobs());
        self.cluster.await_status(index, "every replica", PATIENCE * 2, |status| {
            let node = status.active(&address).ok_or("it is no active node")?;
            let numbers = ["moving", "under_replicated", "repairs"].map(|name| status.data(name));
            match node.blobs {
                Some(has) if has >= blobs && numbers == [Some(0); 3] => Ok(()),
                has => {
                    Err(format!("moving, under_replicated, repairs: {numbers:?}; blobs: {has:?} of {blobs}"))
                }
            }
        });
    }

    /// Reads everything through a node while each other one is dead in turn.
    #[track_caller]
    pub fn read_all_without_each_other(&mut self, index: usize) {
        for dead in (0..self.cluster.nodes().len()).filter(|other| *other != index) {
            self.cluster.node_mut(dead).kill9();
            self.cluster.node(index).await_ready(PATIENCE);
            self.read_all_through(index);
            self.cluster.node_mut(dead).start();
            self.cluster.await_healthy();
        }
    }
}
