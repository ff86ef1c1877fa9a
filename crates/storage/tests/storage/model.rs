//! Any sequence of operations, against a map.

use crate::support::{World, runtime};
use esker_rpc::Storage;
use esker_storage::contract::{FENCE, blob, body, content, list, read_all};
use esker_storage::{SegmentStore, Throttle};
use proptest::prelude::*;
use std::collections::BTreeMap;

#[derive(Debug, Clone)]
enum Step {
    Put {
        number: u64,
        length: u64,
    },
    Delete(u64),
    Compact,
    CompactOne(usize),
    /// As after a kill: nothing is sealed.
    Reopen,
    Close,
    Rebuild,
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let length = prop_oneof![0..2000_u64, 60_000..70_000_u64, 250_000..300_000_u64];
    let step = prop_oneof![
        8 => (0..12_u64, length).prop_map(|(number, length)| Step::Put { number, length }),
        5 => (0..12_u64).prop_map(Step::Delete),
        1 => Just(Step::Compact),
        2 => any::<usize>().prop_map(Step::CompactOne),
        1 => Just(Step::Reopen),
        1 => Just(Step::Close),
        1 => Just(Step::Rebuild),
    ];
    prop::collection::vec(step, 1..40)
}

async fn check(store: &SegmentStore, model: &BTreeMap<u64, u64>) {
    let listed: Vec<_> = list(store).await.unwrap().iter().map(|info| (info.blob, info.length)).collect();
    let wanted: Vec<_> = model.iter().map(|(number, length)| (blob(*number), *length)).collect();
    assert_eq!(listed, wanted);
    let usage = store.usage().await.unwrap();
    assert_eq!((usage.blobs, usage.live_bytes), (model.len() as u64, model.values().sum()));
    for (number, length) in model {
        let bytes = read_all(store, blob(*number), *length).await;
        assert!(
            bytes.as_deref() == Ok(&content(*number, *length)[..]),
            "blob {number}: {:?}",
            bytes.map(|b| b.len())
        );
    }
    let live: u64 = store.segment_facts().await.unwrap().iter().map(|facts| facts.live_bytes).sum();
    let data: u64 = model.values().sum();
    assert!(live <= data + 200 * 2 * model.len() as u64, "{live} live bytes in sealed segments, of {data}");
}

async fn run(steps: Vec<Step>) {
    let (world, _) = World::simulated();
    let (mut store, _) = world.open();
    let mut model = BTreeMap::new();
    for step in steps {
        match step {
            Step::Put { number, length } => {
                let length = *model.entry(number).or_insert(length);
                assert_eq!(
                    store.put(blob(number), FENCE, body(content(number, length), 90_000)).await,
                    Ok(length)
                );
            }
            Step::Delete(number) => {
                store.delete(&[blob(number)]).await.unwrap();
                model.remove(&number);
            }
            Step::Compact => drop(store.compact(Throttle::Unlimited).await.unwrap()),
            Step::CompactOne(at) => {
                let facts = store.segment_facts().await.unwrap();
                if !facts.is_empty() {
                    let segment = facts[at % facts.len()].number;
                    assert!(store.compact_segment(segment, Throttle::Unlimited).await.unwrap().removed);
                }
            }
            Step::Reopen => {
                drop(store);
                store = world.open().0;
            }
            Step::Close => {
                store.close().await.unwrap();
                drop(store);
                let (opened, report) = world.open();
                assert_eq!((report.scanned, report.rebuilt), (0, None), "a closed store needs no scan");
                store = opened;
            }
            Step::Rebuild => {
                drop(store);
                let (opened, report) = world.rebuild();
                assert_eq!(report.blobs_added, model.len() as u64);
                store = opened;
            }
        }
        check(&store, &model).await;
    }
    // Once everything is deleted and compacted, nothing is left: no segment, and no tombstone.
    let all: Vec<_> = model.keys().map(|number| blob(*number)).collect();
    store.delete(&all).await.unwrap();
    store.close().await.unwrap();
    drop(store);
    let (store, _) = world.open();
    for facts in store.segment_facts().await.unwrap() {
        assert!(store.compact_segment(facts.number, Throttle::Unlimited).await.unwrap().removed);
    }
    store.close().await.unwrap();
    assert_eq!(world.segment_files(), Vec::<std::path::PathBuf>::new());
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    #[test]
    fn a_store_is_a_map_whatever_is_done_to_it(steps in steps()) {
        runtime().block_on(run(steps));
    }
}
