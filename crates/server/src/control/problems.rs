//! What an operator should look at, as far as the state of a cluster tells. Pure.

use super::status::{Data, DataDir, Disk, Node, Status};
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
        if let Some(disk) = &node.disk {
            problems.extend(of_disks(node, disk));
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

/// What is wrong with the disks of a node.
fn of_disks(node: &Node, disk: &Disk) -> Vec<String> {
    let who = format!("node {} ({})", node.id, node.address);
    let mut problems = Vec::new();
    if disk.retired {
        problems.push(format!("the disk of {who} failed, and takes no data"));
    }
    let several = disk.data_dirs.len() > 1;
    for dir in disk.data_dirs.iter().filter(|_| several) {
        let DataDir { path, state, reason, blobs, .. } = dir;
        // What is left on it is nowhere else on the node, once that has looked everywhere.
        let left = match (disk.lacking, *blobs) {
            (true, blobs) if blobs > 0 => format!("; {blobs} blobs are being fetched or copied"),
            (false, blobs) if blobs > 0 => format!("; {blobs} blobs of it are on no other disk of the node"),
            _ => String::new(),
        };
        match state.as_str() {
            "retired" => problems.push(format!("{path} of {who} failed, and takes no data: {reason}{left}")),
            "out" => problems.push(format!("{path} of {who} is out of use: {reason}{left}")),
            "full" => problems.push(format!("{path} of {who} is full: {reason}")),
            _ => {}
        }
    }
    if disk.lacking {
        problems.push(format!("{who} is getting back what it had on a disk that failed"));
    }
    problems
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::control::status::Group;

    #[test]
    fn a_failed_disk_of_several_is_told_with_what_is_only_there() {
        let dir = |path: &str, state: &str, blobs| DataDir {
            path: path.to_owned(),
            state: state.to_owned(),
            reason: "why".to_owned(),
            blobs,
            ..DataDir::default()
        };
        let mut disk =
            Disk { data_dirs: vec![dir("/a", "sound", 9), dir("/b", "out", 7)], ..Disk::default() };
        let node = Node { id: "00a".to_owned(), ..Node::default() };
        assert_eq!(
            of_disks(&node, &disk),
            ["/b of node 00a () is out of use: why; 7 blobs of it are on no other disk of the node"]
        );
        disk.lacking = true;
        disk.data_dirs[1].state = "retired".to_owned();
        let told = of_disks(&node, &disk);
        assert!(told[0].contains("takes no data: why; 7 blobs are being fetched"), "{told:?}");
        assert!(told[1].contains("getting back") && told.len() == 2, "{told:?}");
        disk = Disk { data_dirs: vec![dir("/a", "full", 9)], ..Disk::default() };
        assert!(of_disks(&node, &disk).is_empty(), "a node with one disk says so when it refuses data");
    }

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
