//! Whether a node that joins is really at the address that it gives.
//!
//! A node that registers with the address of another one takes its place, for good: that is how a node comes back whose
//! directory was deleted. So whoever answers there is asked first. Otherwise a `--cluster-address` copied from another
//! machine would throw a healthy node out of its cluster.

use crate::forming::Peers;
use esker_rpc::ControlError;
use esker_types::NodeId;

/// Checks that no other node answers at the address of a node that joins.
///
/// # Errors
/// `Refused` if one does. Silence proves nothing: the node may not be reachable from here.
pub(super) async fn check_free(peers: &dyn Peers, node: NodeId, address: &str) -> Result<(), ControlError> {
    if address.is_empty() {
        return Ok(());
    }
    let control = peers.control(address).map_err(ControlError::Refused)?;
    match control.hello().await {
        Ok(hello) if hello.node != node => Err(ControlError::Refused(format!(
            "at {address} another node answers, {}: give this node a --cluster-address of its own, which others reach",
            hello.node
        ))),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use esker_rpc::testing::ScriptedControl;
    use esker_rpc::{Control, Hello, Stage};
    use std::sync::Arc;

    struct One(Arc<ScriptedControl>);

    impl Peers for One {
        fn control(&self, address: &str) -> Result<Arc<dyn Control>, String> {
            if address.contains(':') { Ok(self.0.clone()) } else { Err("no port".to_owned()) }
        }
    }

    fn answering(node: u64) -> One {
        let hello = Hello {
            node: NodeId(node),
            cluster: None,
            stage: Stage::Member,
            address: "a:1".to_owned(),
            peers: Vec::new(),
        };
        One(Arc::new(ScriptedControl::good(hello, "")))
    }

    #[tokio::test]
    async fn a_node_does_not_take_the_place_of_one_that_answers() {
        let taken = check_free(&answering(7), NodeId(8), "a:1").await;
        assert!(matches!(taken, Err(ControlError::Refused(why)) if why.contains("0000000000000007")));
        assert_eq!(check_free(&answering(8), NodeId(8), "a:1").await, Ok(()), "it is there itself");
    }

    #[tokio::test]
    async fn silence_does_not_keep_a_node_out() {
        let silent =
            One(Arc::new(ScriptedControl::failing(&ControlError::Unavailable("refused".to_owned()))));
        assert_eq!(check_free(&silent, NodeId(8), "a:1").await, Ok(()));
        assert_eq!(check_free(&silent, NodeId(8), "").await, Ok(()), "a node alone has no address");
        assert!(check_free(&silent, NodeId(8), "nonsense").await.is_err());
    }
}
