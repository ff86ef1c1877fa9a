//! What an operator should look at, as far as the state of a cluster tells. Pure.

use super::status::{Data, Status};
use std::time::Duration;

/// A node that has been silent for longer is told as a problem.
const SILENCE: Duration = Duration::from_secs(10);

/// What needs attention, for people.
pub(super) fn problems(status: &Status) -> Vec<String> {
    let mut problems = Vec::new();
    for group in status.groups.iter().filter(|group| !group.quorum) {
        problems.push(format!("group {} has no leader that a majority follows", group.group));
    }
    for node in status.nodes.iter().filter(|node| node.state == "active" || node.state == "draining") {
        if let Some(silent) = node.silent_seconds.filter(|silent| *silent >= SILENCE.as_secs_f64()) {
            problems.push(format!("node {} ({}) has not answered for {silent:.0} s", node.id, node.address));
        }
        if node.disk.as_ref().is_some_and(|disk| disk.retired) {
            problems
                .push(format!("the disk of node {} ({}) failed, and takes no data", node.id, node.address));
        }
    }
    let Data { placement_groups, under_replicated, repairs, .. } = &status.data;
    if *placement_groups == 0 {
        problems.push("data has no places yet".to_owned());
    }
    if *under_replicated > 0 {
        problems.push(format!("{under_replicated} placement groups lack a replica"));
    }
    if let Some(late) = repairs.filter(|late| *late > 0) {
        problems.push(format!("{late} replicas are late and wait to be repaired"));
    }
    if status.work.unreadable_blobs > 0 {
        problems
            .push(format!("{} blobs were found without a readable replica", status.work.unreadable_blobs));
    }
    problems
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::control::status::{Disk, Group, Node};

    #[test]
    fn what_needs_attention_is_told() {
        let mut status =
            Status { data: Data { placement_groups: 1, ..Data::default() }, ..Status::default() };
        status.groups = vec![Group { quorum: true, ..Group::default() }];
        let node = Node { id: "00a".to_owned(), state: "active".to_owned(), ..Node::default() };
        status.nodes = vec![Node { silent_seconds: Some(2.0), ..node.clone() }];
        assert_eq!(problems(&status), Vec::<String>::new());

        let disk = Some(Disk { retired: true, ..Disk::default() });
        status.nodes = vec![Node { silent_seconds: Some(12.0), disk, ..node.clone() }];
        status.nodes.push(Node { state: "lost".to_owned(), silent_seconds: Some(99.0), ..node });
        status.groups[0].quorum = false;
        status.data = Data { under_replicated: 3, repairs: Some(7), ..Data::default() };
        let told = problems(&status);
        for problem in [
            "group 0 has no leader",
            "00a",
            "failed",
            "no places",
            "3 placement groups",
            "7 replicas are late",
        ] {
            assert!(told.iter().any(|told| told.contains(problem)), "{problem}: {told:?}");
        }
        assert_eq!(told.len(), 6, "a lost node is no news: {told:?}");
    }
}
