//! What a put leaves, whatever becomes of it.

use super::{FENCE, FRAGMENT, blob, body, content, list, put, read_all};
use crate::{BodyAborted, Storage, StorageError};
use esker_types::CHUNK_BYTES;
use futures::{FutureExt as _, StreamExt as _, stream};

pub(super) async fn run<S: Storage>(make: impl AsyncFn() -> S) {
    names_are_not_reused(&make().await).await;
    bodies_that_are_aborted_or_too_long_leave_nothing(&make().await).await;
    puts_that_are_dropped_before_the_end_of_their_bodies_leave_nothing(&make().await).await;
    puts_that_are_dropped_at_any_moment_take_nothing_back(&make().await).await;
}

async fn names_are_not_reused(store: &dyn Storage) {
    put(store, 1, 1000).await;
    put(store, 1, 1000).await;
    let other = store.put(blob(1), FENCE, body(content(2, 999), 100)).await;
    assert_eq!(other, Err(StorageError::Exists));
    assert!(read_all(store, blob(1), 1000).await.as_deref() == Ok(&content(1, 1000)[..]));
    assert_eq!(list(store).await.map(|infos| infos.len()), Ok(1));
}

async fn bodies_that_are_aborted_or_too_long_leave_nothing(store: &dyn Storage) {
    for sent in [0, 10, FRAGMENT, FRAGMENT + 10] {
        let aborted = body(content(1, sent), 100_000).chain(stream::iter([Err(BodyAborted)])).boxed();
        assert_eq!(
            store.put(blob(1), FENCE, aborted).await,
            Err(StorageError::Aborted),
            "after {sent} bytes"
        );
    }
    let too_long = body(content(1, CHUNK_BYTES + 1), 1 << 20);
    assert_eq!(store.put(blob(1), FENCE, too_long).await, Err(StorageError::TooLong));
    assert_eq!(list(store).await, Ok(Vec::new()));
    put(store, 1, CHUNK_BYTES).await;
}

async fn puts_that_are_dropped_before_the_end_of_their_bodies_leave_nothing(store: &dyn Storage) {
    let stalled = body(content(1, FRAGMENT + 10), 1000).chain(stream::pending()).boxed();
    // Polled until nothing moves any more: a read of another blob takes its turn behind it.
    let mut put_1 = Box::pin(store.put(blob(1), FENCE, stalled));
    assert_eq!(put_1.as_mut().now_or_never(), None);
    put(store, 2, 10).await;
    assert_eq!(put_1.as_mut().now_or_never(), None);
    drop(put_1);
    assert_eq!(read_all(store, blob(1), FRAGMENT).await, Err(StorageError::NotFound));
    put(store, 1, 77).await;
    assert!(read_all(store, blob(1), 77).await.as_deref() == Ok(&content(1, 77)[..]));
}

async fn puts_that_are_dropped_at_any_moment_take_nothing_back(store: &dyn Storage) {
    let length = FRAGMENT + 10;
    for number in 0..40 {
        let mut first = Box::pin(store.put(blob(number), FENCE, body(content(number, length), 100_000)));
        for _ in 0..number {
            if futures::poll!(first.as_mut()).is_ready() {
                break;
            }
            // Answered behind what the put has asked for so far, on most stores.
            store.fence(&[]).await.expect("an answer");
        }
        let seen = store.stat(&[blob(number)]).await.expect("a length") == [Some(length)];
        if number % 2 == 0 {
            put(store, number, length).await;
        }
        drop(first);
        store.fence(&[]).await.expect("an answer");
        let there = read_all(store, blob(number), length).await;
        let whole = there.as_deref() == Ok(&content(number, length)[..]);
        assert!(whole || there == Err(StorageError::NotFound), "blob {number} is there in part");
        assert!(whole || !seen && number % 2 == 1, "blob {number} was taken back");
    }
}
