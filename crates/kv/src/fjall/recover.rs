//! Opening fjall: its settings, and what its recovery does not handle by itself.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;

use fjall::KeyspaceCreateOptions;

use super::error::fjall_error;
use crate::{KvError, Options, files};

/// fjall panics below ten.
const OPEN_FILES_MAX: usize = 256;
/// One thread always stays free to write memtables out while the other compacts.
const WORKER_THREADS: usize = 2;

/// Opens fjall's database, creating it when it does not exist.
pub(super) fn open_database(path: &Path, options: &Options) -> Result<fjall::Database, KvError> {
    const DOING: &str = "recover a fjall store";
    clear_unfinished_creation(path).map_err(|e| KvError::io(DOING, e))?;
    let builder = fjall::Database::builder(path)
        .cache_size(options.cache_bytes)
        .worker_threads(WORKER_THREADS)
        .max_cached_files(Some(OPEN_FILES_MAX))
        // Never reached: our policy keeps the journals short.
        .max_journaling_size(u64::MAX);
    // fjall's recovery meets some kinds of damage with assertions. Nothing of a store that failed to open is kept.
    match catch_unwind(AssertUnwindSafe(|| builder.open())) {
        Ok(opened) => opened.map_err(|e| fjall_error(DOING, e)),
        Err(_panic) => Err(KvError::corruption(DOING, "fjall met an impossible record")),
    }
}

/// How this adapter makes keyspaces.
pub(super) fn create_options() -> KeyspaceCreateOptions {
    // Memtables are sealed by `seal_full_memtables` only; fjall stores this limit with the keyspace for ever.
    KeyspaceCreateOptions::default().max_memtable_size(u64::MAX)
}

/// Removes what a crash during the very first open leaves behind: fjall refuses to create a journal that exists.
///
/// fjall writes its `version` file last, so without it no commit can have been acknowledged.
fn clear_unfinished_creation(path: &Path) -> std::io::Result<()> {
    let version = path.join("version");
    if files::length(&version)?.is_some_and(|bytes| bytes > 0) {
        return Ok(());
    }
    if files::entries(&path.join("keyspaces"))?.is_empty() {
        files::remove(&path.join("0.jnl"))?;
        files::remove(&version)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn open(path: &Path) -> Result<fjall::Database, KvError> {
        open_database(path, &Options::default())
    }

    #[test]
    fn a_first_open_that_crashed_is_started_over() {
        for crash_before in ["version", "the end of version"] {
            let dir = tempfile::tempdir().unwrap();
            drop(open(dir.path()).unwrap());
            files::remove(&dir.path().join("version")).unwrap();
            files::remove_tree_for_test(&dir.path().join("keyspaces")).unwrap();
            if crash_before != "version" {
                drop(files::try_lock(&dir.path().join("version")).unwrap());
            }
            open(dir.path()).unwrap_or_else(|error| panic!("crash before {crash_before}: {error}"));
        }
    }

    #[test]
    fn a_lost_version_file_does_not_empty_a_used_store() {
        let dir = tempfile::tempdir().unwrap();
        let db = open(dir.path()).unwrap();
        db.keyspace("a", create_options).unwrap().insert("key", "value").unwrap();
        drop(db);
        let journal = files::length(&dir.path().join("0.jnl")).unwrap();
        files::remove(&dir.path().join("version")).unwrap();
        assert!(open(dir.path()).is_err());
        assert_eq!(files::length(&dir.path().join("0.jnl")).unwrap(), journal);
    }
}
