//! The few file operations that the adapters need beside their engines.
//!
//! Engines do their own file IO, under their own names in their own directory; the simulated disk of `esker_env` cannot
//! stand in for it. So this module, and no other one in this crate, uses `std::fs`.
#![allow(clippy::disallowed_methods, reason = "engines write real files, so their helpers must too")]

use std::fs::{File, TryLockError};
use std::io::{self, Read, Write};
use std::os::unix::fs::MetadataExt;
use std::path::Path;

/// The unit of `st_blocks`, whatever the file system's block size (POSIX leaves it open; Linux fixes it).
const STAT_BLOCK_BYTES: u64 = 512;

/// Makes a file's content, or a directory's entries, durable.
pub(crate) fn sync(path: &Path) -> io::Result<()> {
    File::open(path)?.sync_all()
}

/// Creates the directory with its parents; its own entry is durable on return.
pub(crate) fn create_dir(path: &Path) -> io::Result<()> {
    std::fs::create_dir_all(path)?;
    match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => sync(parent),
        _ => Ok(()),
    }
}

/// Takes the exclusive lock on a file, creating it; `None` when another process holds it. The lock lasts as long as the file
/// is open.
pub(crate) fn try_lock(path: &Path) -> io::Result<Option<File>> {
    let file = File::options().create(true).truncate(false).write(true).open(path)?;
    match file.try_lock() {
        Ok(()) => Ok(Some(file)),
        Err(TryLockError::WouldBlock) => Ok(None),
        Err(TryLockError::Error(error)) => Err(error),
    }
}

/// The file's length, or `None` when there is no such file.
pub(crate) fn length(path: &Path) -> io::Result<Option<u64>> {
    match std::fs::metadata(path) {
        Ok(metadata) => Ok(Some(metadata.len())),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

/// Removes the file; a missing file is success.
pub(crate) fn remove(path: &Path) -> io::Result<()> {
    match std::fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

/// The start of the file, at most `bytes_max` bytes of it, or `None` when there is no such file.
pub(crate) fn read_start(path: &Path, bytes_max: u64) -> io::Result<Option<Vec<u8>>> {
    let file = match File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error),
    };
    let mut bytes = Vec::new();
    file.take(bytes_max).read_to_end(&mut bytes)?;
    Ok(Some(bytes))
}

/// Makes the file hold exactly these bytes, durably; after a crash it holds all of them or is as before. `draft` is a
/// path in the same directory that is used on the way.
pub(crate) fn replace(path: &Path, draft: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut file = File::create(draft)?;
    file.write_all(bytes)?;
    file.sync_all()?;
    std::fs::rename(draft, path)?;
    match path.parent() {
        Some(parent) => sync(parent),
        None => Ok(()),
    }
}

/// The names of the directory's entries; none when there is no such directory.
pub(crate) fn entries(path: &Path) -> io::Result<Vec<String>> {
    let listing = match std::fs::read_dir(path) {
        Ok(listing) => listing,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(error),
    };
    listing.map(|entry| Ok(entry?.file_name().to_string_lossy().into_owned())).collect()
}

/// The disk blocks allocated to everything under `path`, in bytes: holes in preallocated journals do not count.
pub(crate) fn allocated_bytes(path: &Path) -> io::Result<u64> {
    let metadata = match std::fs::symlink_metadata(path) {
        Ok(metadata) => metadata,
        // The engine removes files while we look.
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(0),
        Err(error) => return Err(error),
    };
    let mut total = metadata.blocks() * STAT_BLOCK_BYTES;
    if metadata.is_dir() {
        for name in entries(path)? {
            total += allocated_bytes(&path.join(name))?;
        }
    }
    Ok(total)
}

/// Removes a directory with everything in it.
#[cfg(test)]
pub(crate) fn remove_tree_for_test(path: &Path) -> io::Result<()> {
    std::fs::remove_dir_all(path)
}
