//! The marker and the lock of a data directory.

use esker_env::{Disk, OpenMode, Permissions, Random as _, SeededRandom, SimDisk};
use esker_storage::{ClusterChoice, ClusterId, DataDir, DataDirError, Origin, Standing};
use std::path::Path;

fn open(disk: &SimDisk, cluster: ClusterChoice, seed: u64) -> Result<DataDir, DataDirError> {
    DataDir::open_or_create(disk, Path::new("/data"), cluster, &SeededRandom::new(seed))
}

#[test]
fn an_empty_directory_becomes_a_new_node_and_stays_it() {
    let disk = SimDisk::new();
    let first = open(&disk, ClusterChoice::FoundOrNew, 1).unwrap();
    let identity = first.identity();
    assert_eq!(first.origin(), Origin::Created);
    assert!([first.wal(), first.kv(), first.segments()].iter().all(|dir| disk.list(dir).is_ok()));
    drop(first);
    let again = open(&disk, ClusterChoice::Exactly(identity.cluster), 2).unwrap();
    assert_eq!((again.identity(), again.origin()), (identity, Origin::Found));
    let other = open(&SimDisk::new(), ClusterChoice::Exactly(identity.cluster), 3).unwrap();
    assert_eq!(other.identity().cluster, identity.cluster);
    assert_ne!(other.identity().node, identity.node);
}

#[test]
fn directories_of_others_are_refused() {
    let disk = SimDisk::new();
    drop(open(&disk, ClusterChoice::FoundOrNew, 1).unwrap());
    let other = open(&disk, ClusterChoice::Exactly(ClusterId::from_bytes([9; 16])), 1);
    assert!(matches!(other, Err(DataDirError::OtherCluster { .. })), "{other:?}");
    disk.flip_bits(Path::new("/data/esker.marker"), 40, 1).unwrap();
    let damaged = open(&disk, ClusterChoice::FoundOrNew, 1);
    assert!(matches!(damaged, Err(DataDirError::Marker { .. })), "{damaged:?}");
    disk.remove_file(Path::new("/data/esker.marker")).unwrap();
    disk.open(Path::new("/data/photo.jpg"), OpenMode::CreateNew(Permissions::Default)).unwrap();
    let foreign = open(&disk, ClusterChoice::FoundOrNew, 1);
    assert!(matches!(foreign, Err(DataDirError::NotEmpty { .. })), "{foreign:?}");
}

#[test]
fn a_power_cut_during_the_first_start_leaves_a_directory_that_starts() {
    let random = SeededRandom::new(4);
    for _ in 0..50 {
        let disk = SimDisk::new();
        disk.create_dir_all(Path::new("/data")).unwrap();
        disk.open(Path::new("/data/.esker.marker.tmp"), OpenMode::CreateNew(Permissions::Default)).unwrap();
        drop(open(&disk.power_cut(&random), ClusterChoice::FoundOrNew, random.u64()).unwrap());
        let made = open(&disk, ClusterChoice::FoundOrNew, random.u64()).unwrap().identity();
        let found = open(&disk.power_cut(&random), ClusterChoice::FoundOrNew, random.u64()).unwrap();
        assert_eq!(found.identity(), made);
    }
}

#[test]
fn a_directory_remembers_that_its_log_began_through_power_cuts() {
    let (disk, random) = (SimDisk::new(), SeededRandom::new(5));
    let dir = open(&disk, ClusterChoice::FoundOrNew, 1).unwrap();
    assert!(!dir.is_formed(&disk).unwrap());
    dir.mark_formed(&disk).unwrap();
    dir.mark_formed(&disk).unwrap();
    for _ in 0..20 {
        let after = disk.power_cut(&random);
        assert!(open(&after, ClusterChoice::FoundOrNew, 1).unwrap().is_formed(&after).unwrap());
    }
}

#[test]
fn a_node_gets_its_cluster_later_and_keeps_it_through_power_cuts() {
    let (disk, random) = (SimDisk::new(), SeededRandom::new(6));
    let reopen = |disk: &SimDisk| DataDir::open(disk, Path::new("/data"), &SeededRandom::new(2)).unwrap();
    let (one, other) = (ClusterId::from_bytes([1; 16]), ClusterId::from_bytes([2; 16]));
    let dir = reopen(&disk);
    assert_eq!(dir.standing(), Standing::Empty);
    let node = dir.node();
    for step in [Standing::Adopted(one), Standing::Member(one)] {
        match step {
            Standing::Member(_) => dir.mark_member(&disk).unwrap(),
            _ => dir.adopt(&disk, one).unwrap(),
        }
        for _ in 0..20 {
            let found = reopen(&disk.power_cut(&random));
            assert_eq!((found.node(), found.standing()), (node, step));
            assert!(matches!(found.adopt(&disk, other), Err(DataDirError::OtherCluster { .. })));
        }
        assert!(matches!(dir.adopt(&disk, other), Err(DataDirError::OtherCluster { .. })));
        assert_eq!(dir.standing(), step);
    }
    drop(dir);
    assert_eq!(reopen(&disk).standing(), Standing::Member(one));
}

#[test]
fn a_directory_of_the_first_release_belongs_to_its_cluster() {
    let disk = SimDisk::new();
    let text = b"esker data directory\nformat 1\ncluster 30313233343536373839616263646566\n\
                 node 000000000000feed\ncrc32c 261d7ecb\n";
    disk.create_dir_all(Path::new("/data")).unwrap();
    let new = OpenMode::CreateNew(Permissions::Default);
    disk.open(Path::new("/data/esker.marker"), new).unwrap().write_at(text, 0).unwrap();
    let cluster = ClusterId::from_bytes(*b"0123456789abcdef");
    let dir = open(&disk, ClusterChoice::FoundOrNew, 1).unwrap();
    assert_eq!((dir.node().0, dir.standing()), (0xfeed, Standing::Adopted(cluster)));
    dir.mark_formed(&disk).unwrap();
    drop(dir);
    let dir = open(&disk, ClusterChoice::FoundOrNew, 1).unwrap();
    assert_eq!(dir.standing(), Standing::Member(cluster));
}
