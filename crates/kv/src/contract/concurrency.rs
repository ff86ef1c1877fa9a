//! Readers and writers at once.

use std::sync::atomic::{AtomicBool, Ordering};

use bytes::Bytes;

use super::{Fixture, puts, rows, scan};
use crate::{Batch, Direction, Durability, KeyRange};

/// Stops the other threads also when the writer panics.
struct SetOnDrop<'a>(&'a AtomicBool);

impl Drop for SetOnDrop<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Release);
    }
}

/// Every commit writes one number everywhere; a view that shows two numbers saw half a commit. Keyspaces are made, dropped
/// and compacted meanwhile, because engines do bookkeeping of their own then.
pub fn views_see_whole_batches(fixture: &dyn Fixture) {
    const COMMITS: u32 = 400;
    const KEYS: u8 = 250;
    let engine = fixture.open();
    let one = engine.open_keyspace("a").unwrap();
    let two = engine.open_keyspace("b").unwrap();
    let is_done = AtomicBool::new(false);
    let number = |n: u32| Bytes::copy_from_slice(&n.to_be_bytes());
    std::thread::scope(|scope| {
        scope.spawn(|| {
            let _done = SetOnDrop(&is_done);
            for n in 0..COMMITS {
                let mut batch = Batch::new();
                (0..KEYS).for_each(|key| batch.put(&one, vec![key], number(n)));
                (0..KEYS).for_each(|key| batch.put(&two, vec![key], number(n)));
                // A key that comes and goes shows batches that are half deleted.
                match n % 2 {
                    0 => batch.put(&two, "even", number(n)),
                    _ => batch.delete(&two, "even"),
                }
                engine.commit(batch, Durability::Buffered).unwrap();
            }
        });
        scope.spawn(|| {
            while !is_done.load(Ordering::Acquire) {
                engine.open_keyspace("passing").unwrap();
                engine.drop_keyspace("passing").unwrap();
                engine.compact(&one).unwrap();
                engine.compact(&two).unwrap();
            }
        });
        scope.spawn(|| {
            let mut newest = None;
            while !is_done.load(Ordering::Acquire) {
                let view = engine.view().unwrap();
                let forward = scan(view.as_ref(), &one, KeyRange::all(), Direction::Forward);
                let Some((_, seen)) = forward.first().cloned() else { continue };
                assert!(Some(&seen) >= newest.as_ref(), "a later view is older");
                let backward = scan(view.as_ref(), &two, KeyRange::prefix(""), Direction::Backward);
                let is_even = seen[3] % 2 == 0;
                assert_eq!(
                    (forward.len(), backward.len()),
                    (KEYS.into(), usize::from(KEYS) + usize::from(is_even))
                );
                assert!(forward.iter().chain(&backward).all(|(_, value)| *value == seen), "half a batch");
                assert_eq!(view.get(&two, b"even").unwrap().is_some(), is_even);
                newest = Some(seen);
            }
        });
    });
}

/// Synced commits from several threads all return and are all there.
pub fn synced_commits_from_many_threads(fixture: &dyn Fixture) {
    const THREADS: u8 = 4;
    const COMMITS: u8 = 25;
    let engine = fixture.open();
    let space = engine.open_keyspace("a").unwrap();
    std::thread::scope(|scope| {
        for thread in 0..THREADS {
            let (engine, space) = (&engine, &space);
            scope.spawn(move || {
                for n in 0..COMMITS {
                    engine.commit(puts(space, [(vec![thread, n], "v")]), Durability::Synced).unwrap();
                }
            });
        }
    });
    assert_eq!(rows(engine.as_ref(), &space).len(), usize::from(THREADS) * usize::from(COMMITS));
}
