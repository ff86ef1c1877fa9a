//! Nodes that are started again: one after another under load, and at other addresses.

use crate::cluster::{NODES, cluster};
use e2e::compose::{Container, PATIENCE, Traffic};
use e2e::report::note;
use std::time::Instant;

#[test]
fn a_rolling_restart_is_not_noticed_by_clients_that_retry() {
    let project = cluster();
    let traffic = Traffic::start(&project.published("lb"));
    let begun = Instant::now();
    for node in NODES {
        project.recreate(node);
        project.container(node).await_healthy(PATIENCE);
        project.await_whole(&NODES);
    }
    let took = begun.elapsed().as_secs_f64();
    let noticed = traffic.finish().expect_no_failure();
    note(&format!("containers: rolling restart of three nodes in {took:.1} s: {noticed}"));
}

#[test]
fn nodes_that_come_back_at_one_anothers_addresses_find_one_another() {
    let project = cluster();
    let network = project.network("cluster");
    let mut nodes = ["node2", "node3"].map(|node| project.container(node));
    nodes.sort_by_key(|node| std::cmp::Reverse(node.address(&network)));
    let before = nodes.each_ref().map(|node| node.address(&network));
    nodes.iter().for_each(Container::kill);
    // Whoever comes first gets the lowest address that is free, and that was the other's.
    nodes.iter().for_each(Container::start);
    let after = nodes.each_ref().map(|node| node.address(&network));
    note(&format!("containers: two nodes were {before:?} and are {after:?}"));
    assert!(before.iter().zip(&after).all(|(before, after)| before != after), "nothing was tried");
    let begun = Instant::now();
    project.await_whole(&NODES);
    note(&format!("containers: whole {:.1} s after that", begun.elapsed().as_secs_f64()));
}
