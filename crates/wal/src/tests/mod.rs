//! The log held to its promises on a disk that loses power, fails, fills up and rots.

mod append;
mod damage;
mod format;
mod model;
mod power;
mod space;

use crate::{Durability, Record, Recovery, Wal, WalError, WalOptions};
use bytes::Bytes;
use esker_env::{Disk, OpenMode, Random, SeededRandom, SimDisk};
use std::path::{Path, PathBuf};
use std::sync::Arc;

const DIR: &str = "/data/wal";
const IDENTITY: [u8; 32] = [0x5e; 32];

fn options() -> WalOptions {
    WalOptions {
        segment_bytes: 16 << 10,
        queue_bytes_max: 64 << 10,
        cache_bytes_max: 2_000,
        ..WalOptions::new(IDENTITY)
    }
}

fn open(disk: &SimDisk) -> Result<(Wal, Recovery), WalError> {
    open_with(disk, &options())
}

fn open_with(disk: &SimDisk, options: &WalOptions) -> Result<(Wal, Recovery), WalError> {
    let disk: Arc<dyn Disk> = Arc::new(disk.clone());
    // Salts must differ between openings, as they do in life.
    let random: Arc<dyn Random> = Arc::new(esker_env::OsRandom);
    Wal::open(&disk, &random, Path::new(DIR), options)
}

fn entry(group: u16, index: u64, len: usize) -> Record {
    Record::Entry { group, index, payload: payload(group, index, len) }
}

/// Bytes that tell their entry.
fn payload(group: u16, index: u64, len: usize) -> Bytes {
    let mut bytes = vec![0; len];
    SeededRandom::new(index << 16 | u64::from(group)).fill(&mut bytes);
    bytes.into()
}

fn vote(group: u16, text: &'static str) -> Record {
    Record::Vote { group, payload: Bytes::from_static(text.as_bytes()) }
}

fn committed(group: u16, text: &'static str) -> Record {
    Record::Committed { group, payload: Bytes::from_static(text.as_bytes()) }
}

fn purge(group: u16, upto_index: u64) -> Record {
    Record::Purge { group, upto_index, payload: Bytes::from(format!("id {upto_index}")) }
}

fn truncate(group: u16, from_index: u64) -> Record {
    Record::Truncate { group, from_index }
}

/// The segment files, in order.
fn segments(disk: &SimDisk) -> Vec<PathBuf> {
    files(disk, "wal")
}

fn spares(disk: &SimDisk) -> Vec<PathBuf> {
    files(disk, "spare")
}

fn files(disk: &SimDisk, extension: &str) -> Vec<PathBuf> {
    let entries = disk.list(Path::new(DIR)).unwrap();
    let paths = entries.into_iter().map(|entry| Path::new(DIR).join(entry.name));
    paths.filter(|path| path.extension().is_some_and(|found| found == extension)).collect()
}

fn read_all(disk: &SimDisk, path: &Path) -> Vec<u8> {
    esker_env::read_file(disk, path, 1 << 30).unwrap().unwrap()
}

fn overwrite(disk: &SimDisk, path: &Path, bytes: &[u8]) {
    let file = disk.open(path, OpenMode::ReadWrite).unwrap();
    file.truncate(bytes.len() as u64).unwrap();
    file.write_at(bytes, 0).unwrap();
    file.sync_data().unwrap();
}

/// Entry indexes of a group, with their contents checked.
fn indexes(wal: &Wal, group: u16, len: usize) -> Vec<u64> {
    let entries = wal.entries(group, 0..u64::MAX, u64::MAX).unwrap();
    for (index, found) in &entries {
        assert_eq!(found, &payload(group, *index, len), "entry {index} of group {group}");
    }
    entries.into_iter().map(|(index, _)| index).collect()
}
