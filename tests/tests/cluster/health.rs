//! What probes are told of a cluster (`/health/cluster`), and of a node that is on its way into one.

use e2e::cluster::{Cluster, Node, Options, PATIENCE};
use e2e::program::{Finished, run};
use e2e::server::esker;
use e2e::wait::eventually;

fn health(node: &Node, flag: &str) -> Finished {
    run(esker().args(["health", flag, "--address", &node.console().to_string()]))
}

#[track_caller]
fn await_exit_code(node: &Node, flag: &str, code: i32) -> Finished {
    let told = eventually(&format!("{flag} of {} is {code}", node.name()), PATIENCE, || {
        let told = health(node, flag);
        if told.code == Some(code) { Ok(told) } else { Err(format!("{told:?}")) }
    });
    told.unwrap_or_else(|why| panic!("{why}\n{}", node.logs()))
}

#[test]
fn a_cluster_is_healthy_with_a_majority_and_not_without_and_is_again_when_it_is_back() {
    let mut cluster = Cluster::of(3);
    for node in cluster.nodes() {
        await_exit_code(node, "--cluster", 0);
    }
    cluster.node_mut(2).kill9();
    // An election may be needed, and then two of three are enough.
    await_exit_code(cluster.node(0), "--cluster", 0);
    await_exit_code(cluster.node(1), "--cluster", 0);
    cluster.node_mut(1).kill9();
    let failing = await_exit_code(cluster.node(0), "--cluster", 1);
    assert!(failing.stderr.contains("no leader that a majority follows"), "{failing:?}");
    await_exit_code(cluster.node(0), "--ready", 1);
    await_exit_code(cluster.node(0), "--live", 0);
    // With time it is seen that data has no majority either.
    let unwritable = eventually("data is told of, too", PATIENCE, || {
        let told = health(cluster.node(0), "--cluster").stderr;
        if told.contains("of 128 of 128 placement groups, no majority") { Ok(()) } else { Err(told) }
    });
    unwritable.unwrap_or_else(|why| panic!("{why}"));
    cluster.node_mut(1).start();
    for index in [0, 1] {
        await_exit_code(cluster.node(index), "--cluster", 0);
        await_exit_code(cluster.node(index), "--ready", 0);
    }
}

#[test]
fn a_node_that_waits_to_be_added_is_live_and_not_ready() {
    let mut cluster = Cluster::launch(Options::nodes(0)).unwrap_or_else(|why| panic!("{why}"));
    let waiting = cluster.add_with(&["--await-join"]);
    await_exit_code(cluster.node(waiting), "--live", 0);
    for flag in ["--ready", "--cluster"] {
        let failing = await_exit_code(cluster.node(waiting), flag, 1);
        assert!(failing.stderr.contains("the node is starting"), "{failing:?}");
    }
    assert!(!cluster.node(waiting).has_ended());
}
