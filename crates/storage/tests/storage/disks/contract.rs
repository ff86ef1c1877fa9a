//! The contract suite, over one disk and over several.

use crate::support::node::Node;
use crate::support::runtime;

#[test]
fn a_node_with_one_disk_keeps_the_contract() {
    runtime().block_on(esker_storage::contract::run(async || Node::with_disks(1).open()));
}

#[test]
fn a_node_with_three_disks_keeps_the_contract() {
    runtime().block_on(esker_storage::contract::run(async || Node::with_disks(3).open()));
}

#[test]
fn a_node_that_came_back_without_one_of_its_disks_and_is_whole_again_keeps_the_contract() {
    use esker_rpc::Losses as _;
    runtime().block_on(esker_storage::contract::run(async || {
        let node = Node::with_disks(3);
        drop(node.open());
        node.pull_out(1);
        let store = node.open();
        let loss = store.pending().borrow().expect("a disk is gone");
        store.made_up(loss).await.unwrap();
        store
    }));
}
