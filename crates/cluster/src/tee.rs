//! One stream of bytes handed to several replicas, each of which takes them at its own pace, up to a bound.
//!
//! A lane that is closed before the end is seen by its replica as a sender that gave up, never as a short blob.

use bytes::Bytes;
use esker_rpc::{BlobBody, BodyAborted};
use esker_types::NodeId;
use futures::StreamExt as _;
use std::sync::Arc;
use tokio::sync::mpsc::error::TrySendError;
use tokio::sync::{Notify, mpsc};

/// What is put into the lanes.
#[derive(Clone, Debug)]
pub(crate) enum Item {
    /// Some bytes.
    Piece(Bytes),
    /// All bytes are out.
    End,
}

/// The lanes of one put.
#[derive(Debug)]
pub(crate) struct Tee {
    lanes: Vec<Lane>,
    /// Told when a replica takes an item.
    taken: Arc<Notify>,
}

#[derive(Debug)]
struct Lane {
    node: NodeId,
    sender: mpsc::Sender<Item>,
    /// What it had no room for when it was offered.
    owed: Option<Item>,
}

impl Tee {
    /// A tee without lanes.
    pub(crate) fn new() -> Tee {
        Tee { lanes: Vec::new(), taken: Arc::default() }
    }

    /// One more lane, in which so many items may wait, as the body of a put to a node.
    pub(crate) fn lane(&mut self, node: NodeId, room: usize) -> BlobBody {
        let (sender, receiver) = mpsc::channel(room);
        self.lanes.push(Lane { node, sender, owed: None });
        let state = Some((receiver, Arc::clone(&self.taken)));
        let body = futures::stream::unfold(state, |state| async move {
            let (mut receiver, taken) = state?;
            let item = receiver.recv().await;
            taken.notify_one();
            match item {
                Some(Item::Piece(piece)) => Some((Ok(piece), Some((receiver, taken)))),
                Some(Item::End) => None,
                None => Some((Err(BodyAborted), None)),
            }
        });
        body.boxed()
    }

    /// Offers an item to every lane. Nothing may be owed.
    pub(crate) fn offer(&mut self, item: &Item) {
        for lane in &mut self.lanes {
            debug_assert!(lane.owed.is_none(), "items reach a lane in order");
            lane.owed = Some(item.clone());
        }
        self.push();
    }

    /// Hands over what is owed, as far as there is room.
    pub(crate) fn push(&mut self) {
        self.lanes.retain_mut(|lane| {
            let Some(item) = lane.owed.take() else { return true };
            match lane.sender.try_send(item) {
                Ok(()) => true,
                Err(TrySendError::Full(item)) => {
                    lane.owed = Some(item);
                    true
                }
                // The replica takes no more; its put says why.
                Err(TrySendError::Closed(_)) => false,
            }
        });
    }

    /// The nodes whose lanes have no room for what was offered.
    pub(crate) fn behind(&self) -> Vec<NodeId> {
        self.lanes.iter().filter(|lane| lane.owed.is_some()).map(|lane| lane.node).collect()
    }

    /// Whether nothing is owed.
    pub(crate) fn is_clear(&self) -> bool {
        self.lanes.iter().all(|lane| lane.owed.is_none())
    }

    /// Ends a node's lane as if the sender had given up.
    pub(crate) fn close(&mut self, node: NodeId) {
        self.lanes.retain(|lane| lane.node != node);
    }

    /// Waits until a replica took something.
    pub(crate) async fn moved(&self) {
        self.taken.notified().await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures::FutureExt as _;

    fn piece(byte: u8) -> Item {
        Item::Piece(Bytes::copy_from_slice(&[byte]))
    }

    #[tokio::test]
    async fn a_lane_that_is_behind_holds_up_the_tee_until_it_takes_an_item() {
        let mut tee = Tee::new();
        let (mut fast, mut slow) = (tee.lane(NodeId(1), 1), tee.lane(NodeId(2), 1));
        tee.offer(&piece(1));
        assert!(tee.is_clear());
        assert_eq!(fast.next().await, Some(Ok(Bytes::from_static(&[1]))));
        tee.moved().await;
        tee.offer(&piece(2));
        assert_eq!(tee.behind(), [NodeId(2)]);
        assert_eq!(tee.moved().now_or_never(), None);
        assert_eq!(slow.next().await, Some(Ok(Bytes::from_static(&[1]))));
        tee.moved().await;
        tee.push();
        assert!(tee.is_clear());
        assert_eq!(slow.next().await, Some(Ok(Bytes::from_static(&[2]))));
    }

    #[tokio::test]
    async fn only_a_lane_that_was_told_of_the_end_ends() {
        let mut tee = Tee::new();
        let (mut ended, mut closed, mut dropped) =
            (tee.lane(NodeId(1), 2), tee.lane(NodeId(2), 2), tee.lane(NodeId(3), 2));
        tee.close(NodeId(2));
        assert_eq!(closed.next().await, Some(Err(BodyAborted)));
        tee.offer(&Item::End);
        assert_eq!(ended.next().await, None);
        assert_eq!(dropped.next().await, None);
        let mut tee = Tee::new();
        let mut dropped = tee.lane(NodeId(3), 2);
        tee.offer(&piece(1));
        drop(tee);
        assert_eq!(dropped.next().await, Some(Ok(Bytes::from_static(&[1]))));
        assert_eq!(dropped.next().await, Some(Err(BodyAborted)));
        assert_eq!(dropped.next().await, None);
    }

    #[tokio::test]
    async fn a_replica_that_takes_no_more_holds_up_nobody() {
        let mut tee = Tee::new();
        drop(tee.lane(NodeId(1), 1));
        let _other = tee.lane(NodeId(2), 2);
        tee.offer(&piece(1));
        tee.offer(&piece(2));
        assert!(tee.is_clear());
    }
}
