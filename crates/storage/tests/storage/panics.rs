//! A defect in the committer: the store says that it can't write any more, and hangs nobody.

use crate::support::{World, runtime};
use esker_env::{Clock, ManualClock};
use esker_rpc::{Storage, StorageError};
use esker_storage::contract::{FENCE, blob, body, content, read_all};
use esker_types::Timestamp;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

/// A clock whose next look by the committer is its last.
#[derive(Debug)]
struct Trap {
    clock: ManualClock,
    set: AtomicBool,
}

impl Clock for Trap {
    fn now(&self) -> Timestamp {
        self.clock.now()
    }

    fn monotonic(&self) -> Duration {
        let committer = std::thread::current().name() == Some("storage-commit");
        assert!(!(committer && self.set.load(Ordering::Relaxed)), "the trap is set");
        self.clock.monotonic()
    }
}

#[test]
fn a_committer_that_panics_retires_the_disk() {
    let (mut world, _) = World::simulated();
    let trap = Arc::new(Trap { clock: ManualClock::new(Timestamp(0)), set: AtomicBool::new(false) });
    world.clock = trap.clone();
    runtime().block_on(async {
        let (store, _) = world.open();
        let put = |number| store.put(blob(number), FENCE, body(content(number, 1000), 100));
        assert_eq!(put(1).await, Ok(1000));
        assert_eq!(store.health(), Ok(()));
        trap.set.store(true, Ordering::Relaxed);
        assert!(matches!(put(2).await, Err(StorageError::Failed(_))));
        assert!(matches!(put(3).await, Err(StorageError::Failed(_))));
        let unhealthy = store.health();
        assert!(
            matches!(&unhealthy, Err(StorageError::Failed(why)) if why.contains("panicked")),
            "{unhealthy:?}"
        );
        assert!(read_all(&store, blob(1), 1000).await.as_deref() == Ok(&content(1, 1000)[..]));
    });
}
