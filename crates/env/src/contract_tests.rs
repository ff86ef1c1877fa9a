//! One suite for both disks: what holds on the simulated disk holds on the real one.

use crate::*;
use std::io::IoSlice;
use std::path::Path;

const NEW: OpenMode = OpenMode::CreateNew(Permissions::Default);

/// Runs one check on either disk, each time in a fresh directory.
fn on_both(check: impl Fn(&dyn Disk, &Path)) {
    let directory = tempfile::tempdir().unwrap();
    check(&OsDisk, directory.path());
    let sim = SimDisk::new();
    sim.create_dir_all(Path::new("/root")).unwrap();
    check(&sim, Path::new("/root"));
}

fn names(disk: &dyn Disk, dir: &Path) -> Vec<(String, EntryKind)> {
    let entries = disk.list(dir).unwrap();
    entries.into_iter().map(|entry| (entry.name.into_string().unwrap(), entry.kind)).collect()
}

#[test]
fn directories_are_made_with_their_ancestors_listed_in_order_and_removed_whole() {
    on_both(|disk, root| {
        let deep = root.join("a/b/c");
        disk.create_dir_all(&deep).unwrap();
        disk.create_dir_all(&deep).unwrap();
        disk.open(&root.join("a/z"), NEW).unwrap();
        disk.open(&root.join("a/a"), NEW).unwrap();
        assert_eq!(
            names(disk, &root.join("a")),
            [
                ("a".to_owned(), EntryKind::File),
                ("b".to_owned(), EntryKind::Directory),
                ("z".to_owned(), EntryKind::File)
            ]
        );
        disk.remove_dir_all(&root.join("a")).unwrap();
        disk.remove_dir_all(&root.join("a")).unwrap();
        assert_eq!(names(disk, root), []);
        assert!(disk.list(&deep).unwrap_err().is_not_found());
    });
}

#[test]
fn open_modes_agree_on_what_exists() {
    on_both(|disk, root| {
        let path = root.join("f");
        assert!(disk.open(&path, OpenMode::Read).unwrap_err().is_not_found());
        assert!(disk.open(&path, OpenMode::ReadWrite).unwrap_err().is_not_found());
        assert!(disk.open(&root.join("no/f"), NEW).unwrap_err().is_not_found());
        disk.open(&path, NEW).unwrap().write_at(b"kept", 0).unwrap();
        assert_eq!(disk.open(&path, NEW).unwrap_err().kind(), std::io::ErrorKind::AlreadyExists);
        let mode = OpenMode::OpenOrCreate(Permissions::Default);
        assert_eq!(disk.open(&path, mode).unwrap().len().unwrap(), 4);
        disk.open(&path, OpenMode::Read).unwrap().write_at(b"x", 0).unwrap_err();
        assert_eq!(disk.metadata(&path).unwrap(), Some(Metadata { kind: EntryKind::File, len: 4 }));
        assert_eq!(disk.metadata(root).unwrap().map(|found| found.kind), Some(EntryKind::Directory));
        assert_eq!(disk.metadata(&root.join("none")).unwrap(), None);
    });
}

#[test]
fn reads_stop_at_the_end_of_the_file_and_writes_may_leave_gaps() {
    on_both(|disk, root| {
        let file = disk.open(&root.join("f"), NEW).unwrap();
        assert!(file.is_empty().unwrap());
        file.write_at(b"end", 5000).unwrap();
        file.write_vectored_at(&[IoSlice::new(b"st"), IoSlice::new(b""), IoSlice::new(b"art")], 0).unwrap();
        let mut buffer = [9; 10];
        assert_eq!(file.read_at(&mut buffer, 0).unwrap(), 10);
        assert_eq!(&buffer, b"start\0\0\0\0\0");
        assert_eq!(file.read_at(&mut buffer, 4998).unwrap(), 5);
        assert_eq!(&buffer[..5], b"\0\0end");
        assert_eq!(file.read_at(&mut buffer, 6000).unwrap(), 0);
        let error = file.read_exact_at(&mut buffer, 4998).unwrap_err();
        assert_eq!(error.kind(), std::io::ErrorKind::UnexpectedEof);
        file.truncate(2).unwrap();
        file.truncate(4).unwrap();
        assert_eq!(file.read_at(&mut buffer, 0).unwrap(), 4);
        assert_eq!(&buffer[..4], b"st\0\0");
    });
}

#[test]
fn a_vectored_write_of_more_parts_than_one_system_call_takes_is_whole() {
    on_both(|disk, root| {
        let file = disk.open(&root.join("f"), NEW).unwrap();
        let parts: Vec<[u8; 3]> =
            (0..3000_u32).map(|n| [n.to_le_bytes()[0], n.to_le_bytes()[1], 7]).collect();
        let slices: Vec<IoSlice<'_>> = parts.iter().map(|part| IoSlice::new(part)).collect();
        file.write_vectored_at(&slices, 11).unwrap();
        let mut read = vec![0; 9000];
        file.read_exact_at(&mut read, 11).unwrap();
        assert_eq!(read, parts.concat());
        file.write_vectored_at(&[], 0).unwrap();
        assert_eq!(file.len().unwrap(), 9011);
    });
}

#[test]
fn reservations_and_holes_change_space_but_not_what_is_kept() {
    on_both(|disk, root| {
        let file = disk.open(&root.join("f"), NEW).unwrap();
        file.write_at(&[1; 65_536], 0).unwrap();
        file.allocate(65_536, 65_536, Allocation::KeepLength).unwrap();
        assert_eq!(file.len().unwrap(), 65_536);
        file.allocate(0, 131_072, Allocation::GrowLength).unwrap();
        assert_eq!(file.len().unwrap(), 131_072);
        file.sync_data().unwrap();
        let before = file.allocated_bytes().unwrap();
        assert!(before >= 131_072);
        file.punch_hole(100, 32_768).unwrap();
        file.sync_data().unwrap();
        assert!(file.allocated_bytes().unwrap() <= before - 16_384);
        let mut read = vec![9; 131_072];
        file.read_exact_at(&mut read, 0).unwrap();
        assert!(read[..100].iter().all(|&byte| byte == 1));
        assert!(read[100..32_868].iter().all(|&byte| byte == 0));
        assert!(read[32_868..65_536].iter().all(|&byte| byte == 1));
        assert!(read[65_536..].iter().all(|&byte| byte == 0));
        assert_eq!(file.len().unwrap(), 131_072);
    });
}

#[test]
fn renames_replace_and_removed_files_stay_readable_through_open_handles() {
    on_both(|disk, root| {
        let (a, b) = (root.join("a"), root.join("b"));
        disk.open(&a, NEW).unwrap().write_at(b"new", 0).unwrap();
        let old = disk.open(&b, NEW).unwrap();
        old.write_at(b"old", 0).unwrap();
        disk.rename(&a, &b).unwrap();
        disk.sync_dir(root).unwrap();
        assert_eq!(read_file(disk, &a, 10).unwrap(), None);
        assert_eq!(read_file(disk, &b, 10).unwrap().as_deref(), Some(&b"new"[..]));
        let mut bytes = [0; 3];
        old.read_exact_at(&mut bytes, 0).unwrap();
        assert_eq!(&bytes, b"old");
        disk.remove_file(&b).unwrap();
        assert!(disk.remove_file(&b).unwrap_err().is_not_found());
        assert!(disk.rename(&a, &b).unwrap_err().is_not_found());
    });
}

#[test]
fn a_lock_has_one_holder() {
    on_both(|disk, root| {
        let path = root.join("lock");
        let held = disk.try_lock(&path).unwrap().expect("free");
        assert!(disk.try_lock(&path).unwrap().is_none());
        drop(held);
        assert!(disk.try_lock(&path).unwrap().is_some());
    });
}

#[test]
fn whole_files_are_replaced_and_their_length_is_bounded() {
    on_both(|disk, root| {
        let path = root.join("marker");
        assert_eq!(read_file(disk, &path, 10).unwrap(), None);
        write_atomically(disk, &path, b"one", Permissions::Default).unwrap();
        write_atomically(disk, &path, b"other", Permissions::Default).unwrap();
        assert_eq!(read_file(disk, &path, 5).unwrap().as_deref(), Some(&b"other"[..]));
        assert_eq!(read_file(disk, &path, 4).unwrap_err().kind(), std::io::ErrorKind::FileTooLarge);
        assert_eq!(names(disk, root), [("marker".to_owned(), EntryKind::File)], "no temporary file is left");
        let space = disk.space(root).unwrap();
        assert!(0 < space.available_bytes && space.available_bytes <= space.total_bytes);
    });
}

#[test]
fn secrets_are_readable_by_their_owner_only() {
    use std::os::unix::fs::PermissionsExt as _;
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("secret");
    write_atomically(&OsDisk, &path, b"s", Permissions::OwnerOnly).unwrap();
    assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
}
