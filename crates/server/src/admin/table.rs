//! The state of a cluster as people read it.

use crate::control::status::{Data, Group, Node, Status};
use comfy_table::{CellAlignment, Table, presets::NOTHING};

/// All of it.
pub(super) fn status(status: &Status) -> String {
    let mut text = String::new();
    let mut line = |words: String| {
        text.push_str(&words);
        text.push('\n');
    };
    line(format!("cluster   {}", status.cluster.as_deref().unwrap_or("none")));
    line(format!("answered  by node {}, version {}", status.node, status.version));
    if let Some(settings) = &status.settings {
        line(format!("settings  {} replicas, {} voters", settings.replicas, settings.voters));
    }
    line(if status.healthy { "health    ok".to_owned() } else { "health    needs attention:".to_owned() });
    for problem in &status.problems {
        line(format!("          - {problem}"));
    }
    line(format!("\n{}", nodes(status).trim_end()));
    if !status.groups.is_empty() {
        line(format!("\n{}", groups(&status.groups)));
    }
    line(format!("\n{}", data(&status.data)));
    if status.nodes.iter().any(|node| node.disk.is_some()) {
        line(format!("\n{}", scrubbing(&status.nodes)));
    }
    let work = &status.work;
    line(format!(
        "this node has fetched {} blobs ({}), repaired {} late and {} damaged ones; {} wait",
        work.pulled_blobs,
        bytes(work.pulled_bytes),
        work.repairs_done,
        work.damage_repaired,
        work.repairs_pending + work.damage_pending,
    ));
    text
}

/// The nodes alone.
pub(super) fn nodes(status: &Status) -> String {
    let mut table = table(&[
        "NODE", "ADDRESS", "STATE", "ROLES", "ZONE", "HOST", "WEIGHT", "SEEN", "GROUPS", "DATA", "FREE",
    ]);
    for node in &status.nodes {
        table.add_row(node_row(node));
    }
    align_right(&mut table, &[6, 7, 8, 9, 10]);
    format!("{table}\n")
}

fn node_row(node: &Node) -> Vec<String> {
    let or_dash = |text: &str| if text.is_empty() { "-".to_owned() } else { text.to_owned() };
    let seen = match node.silent_seconds {
        None => "-".to_owned(),
        Some(silent) if silent < 5.0 => "now".to_owned(),
        Some(silent) => format!("{silent:.0} s ago"),
    };
    let size = |of: fn(&crate::control::status::Disk) -> u64| {
        node.disk.as_ref().map_or_else(|| "-".to_owned(), |disk| bytes(of(disk)))
    };
    vec![
        node.id.clone(),
        or_dash(&node.address),
        node.state.clone(),
        node.roles.join(","),
        or_dash(&node.zone),
        or_dash(&node.host),
        node.weight.to_string(),
        seen,
        node.placement_groups.to_string(),
        size(|disk| disk.live_bytes),
        size(|disk| disk.free_bytes),
    ]
}

fn groups(groups: &[Group]) -> String {
    let mut table = table(&["GROUP", "QUORUM", "LEADER", "TERM", "APPLIED", "MEMBERS", "LATE", "GARBAGE"]);
    for group in groups {
        let or_dash = |number: Option<u64>| number.map_or_else(|| "-".to_owned(), |n| n.to_string());
        table.add_row(vec![
            group.group.to_string(),
            if group.quorum { "yes".to_owned() } else { "NO".to_owned() },
            group.leader.clone().unwrap_or_else(|| "none".to_owned()),
            group.term.to_string(),
            or_dash(group.applied_index),
            members(group),
            or_dash(group.repairs),
            group.garbage_bytes.map_or_else(|| "-".to_owned(), bytes),
        ]);
    }
    align_right(&mut table, &[3, 4, 6, 7]);
    table.to_string()
}

/// Each member, whether it votes, and how far it is behind.
fn members(group: &Group) -> String {
    let told = |node: &String, learner: &str| {
        let follower = group.followers.iter().find(|follower| follower.node == *node);
        let lag = follower.and_then(|follower| follower.lag_entries).filter(|lag| *lag > 0);
        let lag = lag.map(|lag| format!(" (lacks {lag})")).unwrap_or_default();
        format!("{node}{learner}{lag}")
    };
    let voters = group.voters.iter().map(|node| told(node, ""));
    let learners = group.learners.iter().map(|node| told(node, " learns"));
    voters.chain(learners).collect::<Vec<String>>().join("\n")
}

/// What each storage node has read to see whether it is whole.
fn scrubbing(nodes: &[Node]) -> String {
    let mut table = table(&["NODE", "SCRUBBED", "BLOBS", "DAMAGED", "ROUNDS", "NOW AT DATA"]);
    for (node, disk) in nodes.iter().filter_map(|node| Some((node, node.disk.as_ref()?))) {
        let scrub = &disk.scrub;
        let at = scrub.reached_age_seconds.map_or_else(|| "-".to_owned(), |age| format!("{} old", span(age)));
        let (damaged, rounds) = (scrub.damaged.to_string(), scrub.rounds.to_string());
        table.add_row(vec![
            node.id.clone(),
            bytes(scrub.bytes),
            scrub.blobs.to_string(),
            damaged,
            rounds,
            at,
        ]);
    }
    align_right(&mut table, &[1, 2, 3, 4]);
    table.to_string()
}

/// A time in the largest unit of which there is one.
fn span(seconds: u64) -> String {
    let units = [(86_400, "days"), (3_600, "h"), (60, "min")];
    let unit = units.into_iter().find(|(size, _)| seconds >= *size);
    unit.map_or_else(|| format!("{seconds} s"), |(size, name)| format!("{} {name}", seconds / size))
}

fn data(data: &Data) -> String {
    let or_unknown = |number: Option<u64>| number.map_or_else(|| "?".to_owned(), |n| n.to_string());
    format!(
        "data: {} placement groups, {} moving, {} to move next, {} lack a replica; {} late replicas; garbage {} in {} \
         entries",
        data.placement_groups,
        data.moving,
        data.to_move,
        data.under_replicated,
        or_unknown(data.repairs),
        data.garbage_bytes.map_or_else(|| "?".to_owned(), bytes),
        or_unknown(data.garbage_entries),
    )
}

fn table(header: &[&str]) -> Table {
    let mut table = Table::new();
    table.load_preset(NOTHING);
    table.set_header(header.iter().copied());
    for column in table.column_iter_mut() {
        column.set_padding((0, 2));
    }
    table
}

fn align_right(table: &mut Table, columns: &[usize]) {
    for column in columns {
        if let Some(column) = table.column_mut(*column) {
            column.set_cell_alignment(CellAlignment::Right);
        }
    }
}

/// A size in the largest binary unit that keeps a digit before the point.
fn bytes(bytes: u64) -> String {
    let units = ["KiB", "MiB", "GiB", "TiB", "PiB"];
    let Some(power) = (1..=5_u32).rev().find(|power| bytes >= 1 << (10 * power)) else {
        return format!("{bytes} B");
    };
    let tenths = (u128::from(bytes) * 10) >> (10 * power);
    format!("{}.{} {}", tenths / 10, tenths % 10, units[power as usize - 1])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::control::status::{Disk, Follower, Scrub, Settings};

    #[test]
    fn sizes_have_one_digit_after_the_point() {
        for (size, text) in [
            (0, "0 B"),
            (1023, "1023 B"),
            (1024, "1.0 KiB"),
            (1_600_000, "1.5 MiB"),
            (u64::MAX, "16383.9 PiB"),
        ] {
            assert_eq!(bytes(size), text);
        }
    }

    #[test]
    fn people_see_what_matters() {
        let scrub =
            Scrub { bytes: 2 << 20, reached_age_seconds: Some(2 * 86_400 + 7_000), ..Scrub::default() };
        let node = Node {
            id: "00000000000000aa".to_owned(),
            address: "a:9100".to_owned(),
            state: "active".to_owned(),
            roles: vec!["metadata".to_owned(), "storage".to_owned()],
            host: "m1".to_owned(),
            weight: 8,
            silent_seconds: Some(0.2),
            placement_groups: 128,
            disk: Some(Disk { live_bytes: 3 << 20, free_bytes: 5 << 30, scrub, ..Disk::default() }),
            ..Node::default()
        };
        let group = Group {
            quorum: true,
            leader: Some(node.id.clone()),
            term: 3,
            voters: vec![node.id.clone()],
            learners: vec!["00000000000000bb".to_owned()],
            followers: vec![Follower {
                node: "00000000000000bb".to_owned(),
                lag_entries: Some(7),
                silent_seconds: None,
            }],
            applied_index: Some(42),
            repairs: Some(2),
            ..Group::default()
        };
        let told = status(&Status {
            cluster: Some("c0ffee".to_owned()),
            node: node.id.clone(),
            version: "1.2.3".to_owned(),
            problems: vec!["2 replicas are late".to_owned()],
            settings: Some(Settings { replicas: 3, voters: 3 }),
            nodes: vec![node],
            groups: vec![group],
            data: Data { placement_groups: 128, to_move: 21, repairs: Some(2), ..Data::default() },
            ..Status::default()
        });
        for words in [
            "cluster   c0ffee",
            "health    needs attention:\n          - 2 replicas are late",
            "metadata,storage",
            "now",
            "3.0 MiB",
            "5.0 GiB",
            "00000000000000bb learns (lacks 7)",
            "128 placement groups, 0 moving, 21 to move next",
            "2.0 MiB",
            "2 days old",
            "2 late replicas",
        ] {
            assert!(told.contains(words), "{words}\n{told}");
        }
    }
}
