//! Random faults: what was acknowledged can be read, and what is read is right.

use crate::support::{Fault, World, blob, content};
use esker_rpc::StorageError;
use proptest::prelude::*;
use proptest::sample::subsequence;
use std::time::Duration;

const LENGTH: usize = 7_777;

fn any_error() -> impl Strategy<Value = StorageError> {
    prop_oneof![
        Just(StorageError::NotFound),
        Just(StorageError::Full),
        Just(StorageError::Aborted),
        Just(StorageError::OutOfRange),
        Just(StorageError::Corrupt("injected".to_owned())),
        Just(StorageError::Unavailable("injected".to_owned())),
        Just(StorageError::Failed("injected".to_owned())),
    ]
}

fn any_fault() -> impl Strategy<Value = Fault> {
    let at = || prop_oneof![Just(0), Just(LENGTH), Just(usize::MAX), 0..LENGTH];
    prop_oneof![
        any_error().prop_map(Fault::Refuse),
        (at(), any_error()).prop_map(|(at, error)| Fault::Fail(at, error)),
        at().prop_map(Fault::Stall),
        (1..2000u64).prop_map(|millis| Fault::Trickle(Duration::from_millis(millis))),
        at().prop_map(Fault::Short),
        Just(Fault::Long),
    ]
}

/// One round: faults of puts, then of reads, each with the node that has it.
type Round = (Vec<(u64, Fault)>, Vec<(u64, Fault)>);

fn faults_on(nodes: u64, most: usize) -> impl Strategy<Value = Vec<(u64, Fault)>> {
    let all: Vec<u64> = (1..=nodes).collect();
    let chosen = subsequence(all, 0..=most);
    chosen.prop_flat_map(|nodes| {
        let count = nodes.len();
        prop::collection::vec(any_fault(), count)
            .prop_map(move |faults| nodes.iter().copied().zip(faults).collect())
    })
}

/// Rounds with faults on at most so many of the nodes at a time.
fn rounds(nodes: u64, most: usize) -> impl Strategy<Value = Vec<Round>> {
    prop::collection::vec((faults_on(nodes, most), faults_on(nodes, most)), 1..6)
}

fn run(test: impl Future<Output = Result<(), TestCaseError>>) -> Result<(), TestCaseError> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build();
    runtime.unwrap().block_on(test)
}

/// Stores a blob in each round and reads all that were acknowledged so far.
async fn play(nodes: u64, rounds: Vec<Round>, minority: bool) -> Result<(), TestCaseError> {
    let world = World::new(nodes).await;
    let mut acknowledged = Vec::new();
    for (number, (puts, gets)) in (1..).zip(rounds) {
        puts.iter().for_each(|(node, fault)| world.node(*node).on_puts(fault.clone()));
        let stored = world.put(blob(number), LENGTH).await;
        prop_assert!(stored.is_ok() || !minority, "{:?} with {:?}", stored, puts);
        if let Ok(stored) = stored {
            prop_assert_eq!(stored.length, LENGTH as u64);
            let holders = world.holders(blob(number), LENGTH);
            prop_assert!(holders.len() as u64 > nodes / 2, "only {:?} have it", holders);
            for node in (1..=nodes).filter(|node| !holders.contains(node)) {
                prop_assert!(
                    stored.late.iter().any(|late| late.0 == node),
                    "{} is not said to be late",
                    node
                );
            }
            acknowledged.push(number);
        }
        world.nodes.iter().for_each(|node| node.heal());
        gets.iter().for_each(|(node, fault)| world.node(*node).on_gets(fault.clone()));
        for number in 1..=number {
            let bytes = world.read(blob(number), 5, LENGTH - 5).await;
            match bytes {
                Ok(bytes) => prop_assert!(bytes == content(blob(number), LENGTH)[5..], "wrong bytes"),
                Err(error) => {
                    let lost = acknowledged.contains(&number) && minority;
                    prop_assert!(!lost, "{}: {} with {:?}", number, error, gets);
                }
            }
        }
        world.nodes.iter().for_each(|node| node.heal());
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, ..ProptestConfig::default() })]

    #[test]
    fn faults_of_one_of_three_nodes_lose_nothing(rounds in rounds(3, 1)) {
        run(play(3, rounds, true))?;
    }

    #[test]
    fn faults_of_two_of_five_nodes_lose_nothing(rounds in rounds(5, 2)) {
        run(play(5, rounds, true))?;
    }

    #[test]
    fn faults_of_all_nodes_never_give_wrong_bytes(rounds in rounds(3, 3)) {
        run(play(3, rounds, false))?;
    }
}
