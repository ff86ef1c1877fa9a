//! Naming nodes, and adding one.

use super::{AdminError, Session};
use crate::control::status::Status;
use crate::forming::Peers as _;
use esker_rpc::{ControlError, Stage};
use esker_types::NodeId;
use std::time::Duration;
use tokio::time::{sleep, timeout};

/// How long a new node may take to join.
const JOIN_TIMEOUT: Duration = Duration::from_secs(60);
const PAUSE: Duration = Duration::from_millis(250);

/// The node that a name means: its id, the beginning of it, or its address.
pub(super) fn find(status: &Status, name: &str) -> Result<NodeId, AdminError> {
    let wanted = name.trim().to_ascii_lowercase();
    if wanted.is_empty() {
        return Err(AdminError::NoSuchNode(name.to_owned()));
    }
    let exact = status.nodes.iter().find(|node| node.id == wanted);
    let found: Vec<&str> = match exact {
        Some(node) => vec![node.id.as_str()],
        None => {
            let alive = status.nodes.iter().filter(|node| node.state == "active" || node.state == "draining");
            let by_address = alive.filter(|node| node.address == wanted);
            let by_prefix = status.nodes.iter().filter(|node| node.id.starts_with(&wanted));
            by_address.chain(by_prefix).map(|node| node.id.as_str()).collect()
        }
    };
    match found[..] {
        [] => Err(AdminError::NoSuchNode(name.to_owned())),
        [one] => {
            let id = u64::from_str_radix(one, 16);
            id.map(NodeId).map_err(|_| AdminError::Refused(format!("{one:?} is not the id of a node")))
        }
        _ => {
            Err(AdminError::Refused(format!("{name:?} may be any of {}: name more of it", found.join(", "))))
        }
    }
}

/// Invites a node that waits, and waits until it is a member.
pub(super) async fn add(session: &Session, address: &str) -> Result<String, AdminError> {
    let member = session.control.hello().await.map_err(session.failed())?;
    if member.stage != Stage::Member {
        return Err(AdminError::Refused(format!("{} is not a member of a cluster", session.endpoint)));
    }
    let newcomer = session.others.control(address).map_err(AdminError::Usage)?;
    let failed = |error: ControlError| AdminError::of(address, error);
    let hello = newcomer.hello().await.map_err(failed)?;
    if hello.cluster.is_none() || hello.cluster != member.cluster {
        newcomer.invite(member.address).await.map_err(failed)?;
    }
    let id = hello.node.to_string();
    let joined = async {
        loop {
            let status = session.status().await?;
            match status.nodes.iter().find(|node| node.id == id) {
                Some(node) if node.state == "active" => return Ok(()),
                Some(node) => return Err(AdminError::Refused(format!("node {id} is {}", node.state))),
                None => sleep(PAUSE).await,
            }
        }
    };
    match timeout(JOIN_TIMEOUT, joined).await {
        Ok(joined) => joined.map(|()| format!("node {id} has joined\n")),
        Err(_) => Err(AdminError::Refused(format!(
            "node {id} at {address} was invited, but has not joined yet: see its log"
        ))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::control::status::Node;

    fn status() -> Status {
        let node = |id: &str, address: &str, state: &str| Node {
            id: id.to_owned(),
            address: address.to_owned(),
            state: state.to_owned(),
            ..Node::default()
        };
        let nodes = vec![
            node("00000000000000aa", "a:1", "active"),
            node("00000000000000ab", "b:1", "active"),
            node("1000000000000000", "a:1", "lost"),
        ];
        Status { nodes, ..Status::default() }
    }

    #[test]
    fn a_node_is_named_by_id_by_a_unique_beginning_or_by_address() {
        let find = |name: &str| find(&status(), name).ok().map(|node| node.0);
        assert_eq!(find("00000000000000ab"), Some(0xab));
        assert_eq!(find("00000000000000AB"), Some(0xab));
        assert_eq!(find("1"), Some(0x1000_0000_0000_0000));
        assert_eq!(find("a:1"), Some(0xaa), "the one that takes part");
        assert_eq!(find("0"), None);
        assert_eq!(find("7"), None);
        assert_eq!(find(""), None);
    }

    #[test]
    fn an_unknown_name_and_an_ambiguous_one_are_told_apart() {
        assert!(matches!(find(&status(), "77"), Err(AdminError::NoSuchNode(name)) if name == "77"));
        let Err(AdminError::Refused(why)) = find(&status(), "0000") else { panic!("ambiguous") };
        assert!(why.contains("00000000000000aa, 00000000000000ab"), "{why}");
    }
}
