//! What others see while blobs move from a failed disk to the others.

use crate::support::node::{Node, blobs_on, put, retire};
use crate::support::runtime;
use esker_rpc::Storage;
use esker_storage::Rescue;
use esker_storage::contract::{blob, content, list, read_all};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

const BLOBS: u64 = 300;

#[test]
fn no_list_misses_a_blob_and_no_read_fails_while_blobs_move() {
    let node = Node::with_disks(3);
    runtime().block_on(async {
        let store = Arc::new(node.open());
        for number in 0..BLOBS {
            put(&store, number, 100).await.unwrap();
        }
        assert!(blobs_on(&store, 2).await > 50);
        retire(&node, &store, 2, 10_000).await;
        let done = Arc::new(AtomicBool::new(false));
        let lister = tokio::spawn({
            let (store, done) = (store.clone(), done.clone());
            async move {
                let mut lists = 0;
                while !done.load(Ordering::SeqCst) || lists == 0 {
                    let page = store.list(None, None, 10_000).await.unwrap();
                    let listed: Vec<_> = page.blobs.iter().map(|info| info.blob).collect();
                    let missed: Vec<u64> =
                        (0..BLOBS).filter(|number| !listed.contains(&blob(*number))).collect();
                    assert!(missed.is_empty(), "{missed:?}");
                    lists += 1;
                }
                lists
            }
        });
        let reader = tokio::spawn({
            let (store, done) = (store.clone(), done.clone());
            async move {
                let mut number = 0;
                while !done.load(Ordering::SeqCst) || number == 0 {
                    let bytes = read_all(&*store, blob(number % BLOBS), 100).await;
                    assert!(bytes.as_deref() == Ok(&content(number % BLOBS, 100)[..]), "{number}: {bytes:?}");
                    number += 1;
                }
            }
        });
        assert_eq!(store.rescue_once().await, Rescue::Done);
        done.store(true, Ordering::SeqCst);
        assert!(lister.await.unwrap() > 0);
        reader.await.unwrap();
        assert_eq!(blobs_on(&store, 2).await, 0);
    });
}

#[test]
fn puts_of_a_blob_at_the_same_time_come_to_one_disk() {
    let node = Node::with_disks(3);
    runtime().block_on(async {
        let store = Arc::new(node.open());
        for number in 0..40 {
            let puts = (0..4).map(|_| {
                let store = store.clone();
                tokio::spawn(async move { put(&store, number, 50_000).await })
            });
            for put in puts.collect::<Vec<_>>() {
                assert_eq!(put.await.unwrap(), Ok(50_000));
            }
        }
        assert_eq!(store.usage().await.unwrap().blobs, 40, "none is there twice");
        assert_eq!(list(&*store).await.unwrap().len(), 40);
    });
}
