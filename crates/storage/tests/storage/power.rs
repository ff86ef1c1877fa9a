//! Power cuts: what was acknowledged survives, what was not is whole or absent, what was deleted stays so.

use crate::support::crash::{Crasher, Image};
use crate::support::{World, runtime};
use esker_env::sim::rounds;
use esker_env::{Random as _, SeededRandom};
use esker_rpc::{BodyAborted, Storage, StorageError};
use esker_storage::contract::{FENCE, blob, body, content, list, read_all};
use esker_storage::{SegmentStore, Throttle};
use futures::{StreamExt as _, stream};
use std::collections::BTreeMap;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex};

/// What happened to a blob, with the number of the step that was acknowledged then.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Fate {
    /// Its put was acknowledged at this step.
    Stored(u64),
    /// Its delete was sent after the step, and acknowledged at the second.
    Deleted { asked: u64, acknowledged: u64 },
    /// Its put failed or was dropped.
    GivenUp,
}

#[derive(Debug, Default)]
struct History {
    fates: BTreeMap<u64, Vec<Fate>>,
}

fn length_of(number: u64) -> u64 {
    // Some tiny, some of several fragments, some near a block's edge.
    match number % 7 {
        0 => 0,
        1 => 1 + number,
        2 => (64 << 10) - 1,
        3 => (256 << 10) + number,
        4 => (600 << 10) + 3,
        _ => number * 37 % 9000,
    }
}

/// Acknowledges: from here on, an image must show it.
fn acknowledge(crasher: &Crasher) -> u64 {
    crasher.acknowledged.fetch_add(1, Ordering::SeqCst) + 1
}

async fn workload(
    store: &SegmentStore,
    crasher: &Crasher,
    history: &Mutex<History>,
    seed: u64,
    numbers: std::ops::Range<u64>,
) {
    let random = SeededRandom::new(seed);
    let mut stored = Vec::new();
    for number in numbers {
        let length = length_of(number);
        match random.below(12) {
            0 => {
                let cut = content(number, length / 2);
                let aborted = body(cut, 70_000).chain(stream::iter([Err(BodyAborted)])).boxed();
                assert_eq!(store.put(blob(number), FENCE, aborted).await, Err(StorageError::Aborted));
                history.lock().unwrap().fates.entry(number).or_default().push(Fate::GivenUp);
            }
            _ => {
                assert_eq!(
                    store.put(blob(number), FENCE, body(content(number, length), 70_000)).await,
                    Ok(length)
                );
                let step = acknowledge(crasher);
                history.lock().unwrap().fates.entry(number).or_default().push(Fate::Stored(step));
                stored.push(number);
            }
        }
        if random.chance(1, 2) && !stored.is_empty() {
            let index = usize::try_from(random.below(stored.len() as u64)).unwrap();
            let victim = stored.swap_remove(index);
            let asked = crasher.acknowledged.load(Ordering::SeqCst);
            history
                .lock()
                .unwrap()
                .fates
                .entry(victim)
                .or_default()
                .push(Fate::Deleted { asked, acknowledged: u64::MAX });
            store.delete(&[blob(victim)]).await.unwrap();
            let acknowledged = acknowledge(crasher);
            *history.lock().unwrap().fates.get_mut(&victim).unwrap().last_mut().unwrap() =
                Fate::Deleted { asked, acknowledged };
        }
        if random.chance(1, 6) {
            store.compact(Throttle::Unlimited).await.unwrap();
        }
    }
}

/// Opens what is left, and holds it to what had been promised.
async fn check(store: &SegmentStore, history: &History, promised: u64, how: &str) {
    let listed: BTreeMap<_, _> =
        list(store).await.unwrap().into_iter().map(|info| (info.blob, info.length)).collect();
    for (number, fates) in &history.fates {
        let length = length_of(*number);
        let bytes = read_all(store, blob(*number), length).await;
        let whole = bytes.as_deref() == Ok(&content(*number, length)[..]);
        let absent = bytes == Err(StorageError::NotFound);
        assert!(
            whole || absent,
            "{how}: blob {number} is neither whole nor absent: {:?}",
            bytes.map(|b| b.len())
        );
        assert_eq!(
            listed.get(&blob(*number)).copied(),
            whole.then_some(length),
            "{how}: list of blob {number}"
        );
        let stored = fates.iter().any(|fate| matches!(fate, Fate::Stored(step) if *step <= promised));
        let asked =
            fates.iter().any(|fate| matches!(fate, Fate::Deleted { asked, .. } if *asked <= promised));
        let deleted = fates
            .iter()
            .any(|fate| matches!(fate, Fate::Deleted { acknowledged, .. } if *acknowledged <= promised));
        assert!(
            !(stored && !asked && absent),
            "{how}: acknowledged blob {number} is lost ({fates:?} at {promised})"
        );
        assert!(!(deleted && whole), "{how}: deleted blob {number} is back ({fates:?} at {promised})");
    }
    assert!(listed.keys().all(|id| history.fates.keys().any(|number| blob(*number) == *id)));
}

async fn check_image(image: Image, history: &History, options: &esker_storage::StorageOptions) {
    let mut world = World::new(image.disk.clone());
    world.options = options.clone();
    world.engine = image.engine;
    world.random = Arc::new(SeededRandom::new(99));
    let (store, _) = world.open();
    check(&store, history, image.promised, "recovered").await;
    // A crash right after recovery, and a full rebuild, must show the same.
    drop(store);
    let world = World { disk: Arc::new(image.disk.power_cut(&SeededRandom::new(5))), ..world };
    let (store, _) = world.without_index().open();
    check(&store, history, image.promised, "rebuilt").await;
    store.put(blob(1_000_000), FENCE, body(content(1_000_000, 10), 10)).await.unwrap();
    store.compact(Throttle::Unlimited).await.unwrap();
    check_after_compaction(&store, history, image.promised).await;
}

async fn check_after_compaction(store: &SegmentStore, history: &History, promised: u64) {
    store.delete(&[blob(1_000_000)]).await.unwrap();
    check(store, history, promised, "compacted").await;
}

fn run(seed: u64, tasks: u64, one_in: u64) -> usize {
    let crasher = Crasher::new(seed);
    let mut world = World::new(crasher.disk());
    world.engine = crasher.engine();
    let history = Arc::new(Mutex::new(History::default()));
    runtime().block_on(async {
        let store = Arc::new(world.open().0);
        crasher.arm(one_in);
        let running = (0..tasks).map(|task| {
            let (store, crasher, history) = (store.clone(), crasher.clone(), history.clone());
            tokio::spawn(async move {
                workload(&store, &crasher, &history, seed * 31 + task, task * 100..task * 100 + 25).await;
            })
        });
        for task in running.collect::<Vec<_>>() {
            task.await.unwrap();
        }
        crasher.arm(0);
        let mut images = crasher.take_images();
        images.push(crasher.cut());
        let count = images.len();
        let history = std::mem::take(&mut *history.lock().unwrap());
        for image in images {
            check_image(image, &history, &world.options).await;
        }
        count
    })
}

#[test]
fn nothing_acknowledged_is_lost_and_nothing_deleted_returns_when_the_power_fails_at_any_moment() {
    let images: usize = (0..rounds(4)).map(|seed| run(seed, 1, 6)).sum();
    assert!(images > 100, "only {images} images");
}

#[test]
fn the_same_holds_for_concurrent_writers() {
    let images: usize = (0..rounds(4)).map(|seed| run(1_000_000 + seed, 4, 12)).sum();
    assert!(images > 100, "only {images} images");
}
