//! Disks that are not what they were when the node starts.

use crate::support::node::{Node, blobs_on, put};
use crate::support::runtime;
use esker_env::{Disk as _, OpenMode, Permissions};
use esker_rpc::{DiskCondition, Losses as _, Storage, StorageError, Wholeness};
use esker_storage::contract::{blob, content, list, read_all};
use esker_storage::{NodeOpenError, NodeStore};
use std::path::{Path, PathBuf};

const BLOBS: u64 = 40;

async fn fill(store: &NodeStore) {
    for number in 0..BLOBS {
        assert_eq!(put(store, number, 500).await, Ok(500));
    }
}

async fn condition(store: &NodeStore, disk: usize) -> (DiskCondition, String) {
    let told = store.usage().await.unwrap().disks[disk].clone();
    (told.condition, told.why)
}

/// The numbers of the blobs that can't be read, after a check that none of them is said not to exist.
async fn unreadable(store: &NodeStore) -> Vec<u64> {
    let mut lost = Vec::new();
    for number in 0..BLOBS {
        match read_all(store, blob(number), 500).await {
            Ok(bytes) => assert!(bytes == content(number, 500)),
            Err(StorageError::Corrupt(_) | StorageError::Unavailable(_)) => lost.push(number),
            Err(other) => panic!("blob {number}: {other}"),
        }
    }
    lost
}

async fn make_up(store: &NodeStore) {
    for number in unreadable(store).await {
        assert_eq!(put(store, number, 500).await, Ok(500));
    }
    let loss = store.pending().borrow().expect("something is lost");
    store.made_up(loss).await.unwrap();
}

#[test]
fn a_disk_that_is_not_there_is_out_of_use_and_what_it_had_is_neither_listed_nor_denied() {
    let node = Node::with_disks(3);
    runtime().block_on(async {
        let store = node.open();
        fill(&store).await;
        let there = blobs_on(&store, 1).await;
        drop(store);
        node.pull_out(1);
        // It stays so for any number of starts.
        for _ in 0..2 {
            let store = node.open();
            assert_eq!(condition(&store, 1).await.0, DiskCondition::Out);
            let page = store.list(None, None, 100).await.unwrap();
            assert_eq!((page.blobs.len() as u64, page.wholeness), (BLOBS - there, Wholeness::Lacking));
            assert_eq!((unreadable(&store).await.len() as u64, blobs_on(&store, 1).await), (there, there));
            let unknown = read_all(&store, blob(999), 500).await;
            assert!(
                matches!(unknown, Err(StorageError::Unavailable(_))),
                "it may have been there: {unknown:?}"
            );
        }
        let store = node.open();
        assert_eq!(put(&store, 50, 10).await, Ok(10));
        make_up(&store).await;
        assert_eq!((unreadable(&store).await, blobs_on(&store, 1).await), (Vec::new(), 0));
        assert_eq!(store.list(None, None, 1).await.unwrap().wholeness, Wholeness::Whole);
        assert_eq!(read_all(&store, blob(999), 500).await, Err(StorageError::NotFound));
        drop(store);
        // That it was made up for is remembered, and the disk is out all the same.
        let store = node.open();
        assert_eq!((condition(&store, 1).await.0, *store.pending().borrow()), (DiskCondition::Out, None));
        drop(store);
        // Back it is in use, and nothing is there twice in a list.
        node.disk.clear_faults();
        let store = node.open();
        assert_eq!(
            (condition(&store, 1).await.0, unreadable(&store).await),
            (DiskCondition::Sound, Vec::new())
        );
        assert_eq!(list(&store).await.unwrap().len() as u64, BLOBS + 1);
    });
}

#[test]
fn a_disk_that_comes_back_before_anything_was_fetched_brings_all() {
    let node = Node::with_disks(2);
    runtime().block_on(async {
        fill(&node.open()).await;
        node.pull_out(1);
        assert!(!unreadable(&node.open()).await.is_empty());
        node.disk.clear_faults();
        let store = node.open();
        assert_eq!(unreadable(&store).await, Vec::<u64>::new());
        // That all is there again is for the comparison with others to say.
        assert!(store.pending().borrow().is_some());
    });
}

#[test]
fn an_empty_directory_in_the_place_of_a_disk_is_filled_on_an_operators_word_alone() {
    let mut node = Node::with_disks(2);
    runtime().block_on(async {
        let store = node.open();
        fill(&store).await;
        let there = blobs_on(&store, 1).await;
        drop(store);
        node.disk.remove_dir_all(node.dir(1)).unwrap();
        let (out, why) = condition(&node.open(), 1).await;
        assert!(out == DiskCondition::Out && why.contains("not there"), "{why}");
        node.disk.create_dir_all(node.dir(1)).unwrap();
        let (out, why) = condition(&node.open(), 1).await;
        assert!(out == DiskCondition::Out && why.contains("empty"), "{why}");
        assert!(node.disk.list(node.dir(1)).unwrap().is_empty(), "nothing was written there");
        node.replaced = vec![node.dir(1).to_owned()];
        let store = node.open();
        assert_eq!(condition(&store, 1).await.0, DiskCondition::Sound);
        // The old one is told of until what was on it is made up for, and then forgotten.
        let told = store.usage().await.unwrap().disks;
        assert_eq!((told.len(), told[2].condition, told[2].blobs), (3, DiskCondition::Out, there));
        make_up(&store).await;
        drop(store);
        // The word is for once, and does no harm if it is said again.
        let store = node.open();
        assert_eq!((store.usage().await.unwrap().disks.len(), unreadable(&store).await), (2, Vec::new()));
        assert!(blobs_on(&store, 1).await > 0);
    });
}

#[test]
fn a_disk_that_is_not_given_any_more_is_forgotten_once_it_is_made_up_for() {
    let node = Node::with_disks(2);
    let less = Node { data_dirs: Vec::new(), ..node.clone() };
    runtime().block_on(async {
        fill(&node.open()).await;
        let store = less.open();
        let (out, why) = condition(&store, 1).await;
        assert!(out == DiskCondition::Out && why.contains("not among"), "{why}");
        make_up(&store).await;
        drop(store);
        let store = less.open();
        assert_eq!((store.usage().await.unwrap().disks.len(), unreadable(&store).await), (1, Vec::new()));
        drop(store);
        // Given again, it is known by its marker, and its index is made anew.
        let store = node.open();
        assert_eq!(
            (condition(&store, 1).await.0, unreadable(&store).await),
            (DiskCondition::Sound, Vec::new())
        );
        assert_eq!(list(&store).await.unwrap().len() as u64, BLOBS);
    });
}

#[test]
fn disks_are_known_by_their_markers_not_by_their_paths() {
    let node = Node::with_disks(3);
    let swapped = Node { data_dirs: node.data_dirs.iter().rev().cloned().collect(), ..node.clone() };
    runtime().block_on(async {
        let store = node.open();
        fill(&store).await;
        let before = (blobs_on(&store, 1).await, blobs_on(&store, 2).await);
        drop(store);
        let store = swapped.open();
        assert_eq!((blobs_on(&store, 2).await, blobs_on(&store, 1).await), before);
        assert_eq!((unreadable(&store).await, *store.pending().borrow()), (Vec::new(), None));
    });
}

fn write(node: &Node, path: &Path, bytes: &[u8]) {
    node.disk.create_dir_all(path.parent().unwrap()).unwrap();
    let file = node.disk.open(path, OpenMode::OpenOrCreate(Permissions::Default)).unwrap();
    file.truncate(0).unwrap();
    file.write_at(bytes, 0).unwrap();
}

#[test]
fn a_known_disk_with_a_wrong_or_damaged_marker_is_out_and_a_new_one_is_refused() {
    let node = Node::with_disks(2);
    runtime().block_on(async {
        fill(&node.open()).await;
        let marker = node.dir(1).join("esker.disk");
        let sound = esker_env::read_file(&node.disk, &marker, 4096).unwrap().unwrap();
        // Another node's disk.
        let other = Node { world: crate::support::World::new(node.disk.clone()), ..Node::with_disks(2) };
        let other = Node {
            world: crate::support::World {
                root: PathBuf::from("/other"),
                dir: PathBuf::from("/other/segments"),
                random: std::sync::Arc::new(esker_env::SeededRandom::new(77)),
                ..other.world
            },
            disk: node.disk.clone(),
            data_dirs: vec![PathBuf::from("/other-disk")],
            replaced: Vec::new(),
        };
        drop(other.open());
        let foreign =
            esker_env::read_file(&node.disk, Path::new("/other-disk/esker.disk"), 4096).unwrap().unwrap();
        for (bytes, because) in [(&foreign, "belongs to node"), (&b"nonsense".to_vec(), "marker")] {
            write(&node, &marker, bytes);
            let store = node.open();
            let (out, why) = condition(&store, 1).await;
            assert!(out == DiskCondition::Out && why.contains(because), "{why}");
            assert!(!unreadable(&store).await.is_empty());
        }
        write(&node, &marker, &sound);
        assert_eq!(unreadable(&node.open()).await, Vec::<u64>::new());
        // One that was never this node's is a mistake in its settings.
        let mistaken =
            Node { data_dirs: vec![node.dir(1).to_owned(), PathBuf::from("/other-disk")], ..node.clone() };
        assert!(matches!(mistaken.try_open(), Err(NodeOpenError::Refused { .. })));
        write(&node, Path::new("/full/of"), b"something else");
        let mistaken =
            Node { data_dirs: vec![node.dir(1).to_owned(), PathBuf::from("/full")], ..node.clone() };
        assert!(matches!(mistaken.try_open(), Err(NodeOpenError::Refused { .. })));
        let mistaken = Node { replaced: vec![PathBuf::from("/nowhere")], ..node.clone() };
        assert!(matches!(mistaken.try_open(), Err(NodeOpenError::NotGiven(_))));
    });
}

#[test]
fn a_disk_that_lost_its_segments_is_out() {
    let node = Node::with_disks(2);
    runtime().block_on(async {
        fill(&node.open()).await;
        node.disk.remove_dir_all(&node.dir(1).join("segments")).unwrap();
        let store = node.open();
        assert_eq!(condition(&store, 1).await.0, DiskCondition::Out);
        assert!(!unreadable(&store).await.is_empty());
        drop(store);
        node.disk.create_dir_all(&node.dir(1).join("segments")).unwrap();
        let (out, why) = condition(&node.open(), 1).await;
        assert!(out == DiskCondition::Out && why.contains("holds no segment"), "{why}");
    });
}

#[test]
fn a_node_with_one_disk_writes_no_files_of_disks() {
    let node = Node::with_disks(1);
    runtime().block_on(async {
        fill(&node.open()).await;
        drop(node.open());
        let names: Vec<_> =
            node.disk.list(&node.world.root).unwrap().into_iter().map(|entry| entry.name).collect();
        assert_eq!(names, ["esker.marker", "kv", "lock", "segments", "wal"]);
    });
}
