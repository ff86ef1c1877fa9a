//! What `esker admin status --json` says, as far as tests ask.

use serde_json::Value;
use std::fmt;

/// The state of a cluster, as one node knows it.
#[derive(Clone, Debug, PartialEq)]
pub struct Status(Value);

/// What it says of a node.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NodeStatus {
    /// The node's id.
    pub id: String,
    /// Where other nodes reach it.
    pub address: String,
    /// `active`, `draining`, `lost` or `removed`.
    pub state: String,
    /// Its zone; empty if it has none.
    pub zone: String,
    /// The placement groups that it has, or is to have.
    pub placement_groups: u64,
    /// The blobs that it stores; none if it doesn't answer.
    pub blobs: Option<u64>,
}

impl Status {
    /// Reads what the command printed.
    pub fn parse(text: &str) -> Result<Status, String> {
        let value: Value = serde_json::from_str(text).map_err(|error| format!("{error} in {text:?}"))?;
        match value["nodes"].is_array() && value["groups"].is_array() {
            true => Ok(Status(value)),
            false => Err(format!("no nodes or groups in {text}")),
        }
    }

    /// All of it, for what has no name here.
    pub fn value(&self) -> &Value {
        &self.0
    }

    /// Whether nothing needs attention.
    pub fn healthy(&self) -> bool {
        self.0["healthy"].as_bool() == Some(true)
    }

    /// What needs attention.
    pub fn problems(&self) -> Vec<String> {
        texts(&self.0["problems"])
    }

    /// The cluster's id.
    pub fn cluster(&self) -> String {
        text(&self.0["cluster"])
    }

    /// All nodes that ever were.
    pub fn nodes(&self) -> Vec<NodeStatus> {
        self.0["nodes"].as_array().into_iter().flatten().map(NodeStatus::of).collect()
    }

    /// The active node of an address.
    pub fn active(&self, address: &str) -> Option<NodeStatus> {
        self.nodes().into_iter().find(|node| node.address == address && node.state == "active")
    }

    /// The address of the node that leads a Raft group, if there is one.
    pub fn leader(&self, group: u64) -> Option<String> {
        let leader = self.group(group)?["leader"].as_str()?;
        self.nodes().into_iter().find(|node| node.id == leader).map(|node| node.address)
    }

    /// The ids of the nodes that vote in a Raft group.
    pub fn voters(&self, group: u64) -> Vec<String> {
        self.group(group).map(|group| texts(&group["voters"])).unwrap_or_default()
    }

    fn group(&self, group: u64) -> Option<&Value> {
        self.0["groups"].as_array()?.iter().find(|value| value["group"].as_u64() == Some(group))
    }

    /// A number of the data as a whole: `placement_groups`, `moving`, `under_replicated`, `repairs`, …; none if the
    /// node doesn't know.
    pub fn data(&self, name: &str) -> Option<u64> {
        self.0["data"][name].as_u64()
    }
}

impl fmt::Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:#}", self.0)
    }
}

impl NodeStatus {
    fn of(value: &Value) -> NodeStatus {
        NodeStatus {
            id: text(&value["id"]),
            address: text(&value["address"]),
            state: text(&value["state"]),
            zone: text(&value["zone"]),
            placement_groups: value["placement_groups"].as_u64().unwrap_or_default(),
            blobs: value["disk"]["blobs"].as_u64(),
        }
    }
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

fn texts(value: &Value) -> Vec<String> {
    value.as_array().into_iter().flatten().map(text).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_tests_ask_is_found() {
        let status = Status::parse(
            r#"{"healthy": false, "problems": ["late"], "cluster": "c0", "data": {"repairs": 3, "moving": null},
                "nodes": [{"id": "a", "address": "h:1", "state": "lost", "placement_groups": 0},
                          {"id": "b", "address": "h:1", "state": "active", "zone": "z", "placement_groups": 5,
                           "disk": {"blobs": 7}}],
                "groups": [{"group": 0, "leader": "b", "voters": ["a", "b"]}]}"#,
        );
        let status = status.expect("it is whole");
        assert!(!status.healthy() && status.problems() == ["late"] && status.cluster() == "c0");
        assert_eq!(status.active("h:1").map(|node| (node.id, node.blobs)), Some(("b".to_owned(), Some(7))));
        assert_eq!((status.leader(0), status.leader(1)), (Some("h:1".to_owned()), None));
        assert_eq!(status.voters(0), ["a", "b"]);
        assert_eq!((status.data("repairs"), status.data("moving")), (Some(3), None));
        assert!(Status::parse("{}").is_err() && Status::parse("no").is_err());
    }
}
