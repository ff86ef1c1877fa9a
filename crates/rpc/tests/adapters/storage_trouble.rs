//! Storage nodes that stall, die or refuse in the middle, and clients that give up.

use crate::proxy::Proxy;
use crate::scripted::{Gets, Puts, ScriptedStorage};
use crate::storage::{Remote, SERVER};
use bytes::Bytes;
use esker_rpc::grpc::RemoteStorage;
use esker_rpc::testing::storage_contract::{FENCE, blob, body, content, read};
use esker_rpc::testing::{identity, network};
use esker_rpc::{BlobBody, Storage, StorageError};
use esker_types::{ByteRange, CHUNK_BYTES, PlacementEpoch};
use futures::{FutureExt as _, StreamExt as _, stream};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

const LENGTH: u64 = CHUNK_BYTES;
const WHOLE: ByteRange = ByteRange { first: 0, last: LENGTH - 1 };
/// What one put may have taken that its node has not: a window, what the connection's sender holds, and two pieces.
const IN_FLIGHT_MAX: u64 = (512 << 10) + (1 << 20) + 2 * (256 << 10);

/// A node, a client that reaches it through a proxy, and the proxy.
async fn behind_proxy(storage: Arc<ScriptedStorage>) -> (Remote, RemoteStorage, Proxy) {
    let remote = Remote::start(storage).await;
    let proxy = Proxy::start(remote.node.address).await;
    let client = RemoteStorage::new(&network(identity(1, 7)), SERVER, &proxy.address.to_string()).unwrap();
    (remote, client, proxy)
}

async fn with_blob(puts: Puts, gets: Gets) -> Arc<ScriptedStorage> {
    let storage = Arc::new(ScriptedStorage::new(puts, gets));
    storage.memory.put(blob(1), FENCE, body(content(1, LENGTH), 1 << 20)).await.unwrap();
    storage
}

/// A body that counts what is taken of it.
fn counted(length: u64) -> (BlobBody, Arc<AtomicU64>) {
    let taken = Arc::new(AtomicU64::new(0));
    let counter = Arc::clone(&taken);
    let body = body(content(1, length), 64 << 10).inspect(move |piece| {
        counter.fetch_add(piece.as_ref().map_or(0, Bytes::len) as u64, Ordering::Relaxed);
    });
    (body.boxed(), taken)
}

fn unavailable<T: std::fmt::Debug>(result: &Result<T, StorageError>) -> bool {
    matches!(result, Err(StorageError::Unavailable(_)))
}

#[tokio::test]
async fn a_get_from_a_node_that_stalls_ends_and_what_came_before_was_right() {
    let remote = Remote::start(with_blob(Puts::Store, Gets::Stall).await).await;
    let mut reader = remote.get(blob(1), WHOLE).await.unwrap();
    let first = reader.next().await.unwrap().unwrap();
    assert_eq!(first, content(1, LENGTH).slice(..first.len()));
    let end = reader.next().await.unwrap();
    assert!(unavailable(&end), "{end:?}");
    assert!(reader.next().await.is_none());
    assert_eq!(remote.stat(&[blob(1)]).await, Ok(vec![Some(LENGTH)]), "the node is asked again as before");
}

#[tokio::test]
async fn a_get_ends_with_the_nodes_own_error() {
    let remote = Remote::start(with_blob(Puts::Store, Gets::Fail).await).await;
    let result = read(&remote, blob(1), WHOLE).await;
    assert_eq!(result, Err(StorageError::Corrupt("block 4".to_owned())));
}

#[tokio::test]
async fn a_get_of_less_or_more_than_the_range_is_never_taken_for_the_whole() {
    for gets in [Gets::EndEarly, Gets::TooMuch] {
        let remote = Remote::start(with_blob(Puts::Store, gets).await).await;
        let range = ByteRange { first: 0, last: (256 << 10) - 2 };
        let (range, wanted) =
            if gets == Gets::EndEarly { (WHOLE, None) } else { (range, Some(range.length())) };
        let result = read(&remote, blob(1), range).await;
        match wanted {
            None => assert!(unavailable(&result), "{gets:?}: {:?}", result.map(|bytes| bytes.len())),
            // What comes after the range is not even looked at.
            Some(length) => assert_eq!(result.map(|bytes| bytes.len() as u64), Ok(length), "{gets:?}"),
        }
    }
}

#[tokio::test]
async fn a_put_to_a_node_that_stalls_ends_and_took_no_more_than_a_window() {
    let storage = Arc::new(ScriptedStorage::new(Puts::StallAfter(1), Gets::Whole));
    let remote = Remote::start(storage.clone()).await;
    let (body, taken) = counted(LENGTH);
    let result = remote.put(blob(2), FENCE, body).await;
    assert!(unavailable(&result), "{result:?}");
    let taken = taken.load(Ordering::Relaxed);
    assert!(taken <= IN_FLIGHT_MAX, "{taken} bytes were taken");
    // The node learns that nobody waits for it any more.
    let seen = storage.until(|seen| seen.puts_over == 1).await;
    assert_eq!(seen.bodies_ended, 0);
    assert_eq!(storage.memory.stat(&[blob(2)]).await, Ok(vec![None]));
}

#[tokio::test]
async fn a_slow_sender_is_waited_for() {
    let storage = Arc::new(ScriptedStorage::new(Puts::Store, Gets::Whole));
    let remote = Remote::start(storage.clone()).await;
    let (go_on, wait) = tokio::sync::oneshot::channel();
    let late = stream::once(async { Ok(wait.await.unwrap()) });
    let put = remote.put(blob(2), FENCE, body(content(2, 1000), 1000).chain(late).boxed());
    let hold = async {
        storage.until(|seen| seen.pieces == 1).await;
        // sleep: time itself is the event; the sender is silent for longer than a node may be.
        tokio::time::sleep(std::time::Duration::from_secs(11)).await;
        go_on.send(content(3, 500)).unwrap();
    };
    assert_eq!(futures::join!(put, hold).0, Ok(1500));
}

#[tokio::test]
async fn a_refusal_comes_before_the_bytes_have_gone() {
    let remote = Remote::start(Arc::new(ScriptedStorage::new(Puts::Refuse, Gets::Whole))).await;
    let (body, taken) = counted(LENGTH);
    assert_eq!(remote.put(blob(2), FENCE, body).await, Err(StorageError::Stale(PlacementEpoch(9))));
    let taken = taken.load(Ordering::Relaxed);
    assert!(taken <= IN_FLIGHT_MAX, "{taken} bytes were taken");
    // Also if the sender has nothing more to send at the moment.
    let stalled = stream::pending().boxed();
    assert_eq!(remote.put(blob(2), FENCE, stalled).await, Err(StorageError::Stale(PlacementEpoch(9))));
}

#[tokio::test]
async fn dropping_a_put_ends_it_at_the_node_and_never_as_a_whole_blob() {
    let storage = Arc::new(ScriptedStorage::new(Puts::Store, Gets::Whole));
    let remote = Remote::start(storage.clone()).await;
    let stalled = body(content(2, 1000), 100).chain(stream::pending()).boxed();
    let mut put = Box::pin(remote.put(blob(2), FENCE, stalled));
    tokio::select! {
        biased;
        result = &mut put => panic!("it can't end: {result:?}"),
        _ = storage.until(|seen| seen.pieces == 10) => {}
    }
    drop(put);
    let seen = storage.until(|seen| seen.puts_over == 1).await;
    assert_eq!(seen.bodies_ended, 0);
    assert_eq!(storage.memory.stat(&[blob(2)]).await, Ok(vec![None]));
}

#[tokio::test]
async fn dropping_a_reader_ends_it_at_the_node() {
    let storage = with_blob(Puts::Store, Gets::Stall).await;
    let remote = Remote::start(storage.clone()).await;
    let mut reader = remote.get(blob(1), WHOLE).await.unwrap();
    assert!(reader.next().await.unwrap().is_ok());
    drop(reader);
    storage.until(|seen| seen.gets_over == 1).await;
}

#[tokio::test]
async fn a_node_that_dies_ends_every_stream() {
    let storage = with_blob(Puts::StallAfter(1), Gets::Stall).await;
    let (_remote, client, proxy) = behind_proxy(storage.clone()).await;
    let mut reader = client.get(blob(1), WHOLE).await.unwrap();
    assert!(reader.next().await.unwrap().is_ok());
    let mut put = Box::pin(client.put(blob(2), FENCE, counted(LENGTH).0));
    tokio::select! {
        biased;
        result = &mut put => panic!("it can't end: {result:?}"),
        _ = storage.until(|seen| seen.pieces > 0) => {}
    }
    proxy.cut();
    let (put, got) = futures::join!(put, reader.next());
    assert!(unavailable(&put), "{put:?}");
    assert!(unavailable(&got.unwrap()));
    assert!(unavailable(&client.usage().await));
    let seen = storage.until(|seen| seen.puts_over == 1 && seen.gets_over == 1).await;
    assert_eq!(seen.bodies_ended, 0);
}

#[tokio::test]
async fn a_machine_that_vanishes_without_a_word_is_noticed() {
    let storage = with_blob(Puts::StallAfter(1), Gets::Stall).await;
    let (_remote, client, proxy) = behind_proxy(storage.clone()).await;
    let mut reader = client.get(blob(1), WHOLE).await.unwrap();
    assert!(reader.next().await.unwrap().is_ok());
    assert!(client.usage().await.is_ok());
    proxy.silence();
    let (read, used) = futures::join!(reader.next(), client.usage());
    assert!(unavailable(&read.unwrap()));
    assert!(unavailable(&used), "{used:?}");
    // Nor does the node keep what the vanished client began.
    storage.until(|seen| seen.gets_over == 1).await;
}

#[tokio::test]
async fn a_stream_that_nobody_reads_holds_up_no_other() {
    let storage = with_blob(Puts::Store, Gets::Whole).await;
    let remote = Remote::start(storage).await;
    let mut idle = Vec::new();
    for _ in 0..100 {
        let mut reader = remote.get(blob(1), WHOLE).await.unwrap();
        assert!(reader.next().await.unwrap().is_ok());
        idle.push(reader);
    }
    let bytes = read(&remote, blob(1), WHOLE).await.unwrap();
    assert!(bytes == content(1, LENGTH));
    assert!(idle.iter_mut().all(|reader| reader.next().now_or_never().is_some()), "they had bytes ready");
}
