//! Which engine a directory belongs to.
//!
//! Every engine finds nothing of its own in another one's directory, and would start an empty store beside it. So the
//! directory says who made it, in a file of one line: the engine's name.

use std::path::Path;

use crate::{EngineKind, KvError, files};

const FILE: &str = "engine";
const DRAFT: &str = "engine.new";
/// More than any engine's name has.
const NAME_BYTES_MAX: u64 = 64;

/// Refuses the directory if another engine made it; otherwise marks it as this engine's, durably.
pub(crate) fn claim(kind: EngineKind, path: &Path) -> Result<(), KvError> {
    const DOING: &str = "find out which engine made the store";
    let io = |error| KvError::io(DOING, error);
    let file = path.join(FILE);
    let found = match files::read_start(&file, NAME_BYTES_MAX).map_err(io)? {
        Some(bytes) => Some(String::from_utf8_lossy(&bytes).trim_end().to_owned()),
        None => made_by(path).map_err(io)?.map(|kind| kind.to_string()),
    };
    if let Some(found) = found.filter(|found| *found != kind.to_string()) {
        return Err(KvError::OtherEngine { path: path.to_owned(), found, wanted: kind });
    }
    if files::length(&file).map_err(io)?.is_none() {
        files::create_dir(path).map_err(io)?;
        files::replace(&file, &path.join(DRAFT), format!("{kind}\n").as_bytes()).map_err(io)?;
    }
    Ok(())
}

/// The engine whose files lie in a directory without the file that names it.
fn made_by(path: &Path) -> std::io::Result<Option<EngineKind>> {
    let names = files::entries(path)?;
    let has = |name: &str| names.iter().any(|found| found == name);
    Ok(if has("keyspaces") {
        Some(EngineKind::Fjall)
    } else if has("conf") {
        Some(EngineKind::Sled)
    } else {
        None
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Batch, Durability, Options, open};

    const ENGINES: [EngineKind; 2] = [EngineKind::Fjall, EngineKind::Sled];

    fn store_something(kind: EngineKind, path: &Path) {
        let engine = open(kind, path, &Options::default()).unwrap();
        let keyspace = engine.open_keyspace("a").unwrap();
        let mut batch = Batch::new();
        batch.put(&keyspace, "key", "value");
        engine.commit(batch, Durability::Synced).unwrap();
    }

    fn finds_it(kind: EngineKind, path: &Path) -> bool {
        let engine = open(kind, path, &Options::default()).unwrap();
        let keyspace = engine.open_keyspace("a").unwrap();
        engine.get(&keyspace, b"key").unwrap().is_some()
    }

    #[test]
    fn another_engine_is_refused_and_changes_nothing() {
        for (made, asked) in [(ENGINES[0], ENGINES[1]), (ENGINES[1], ENGINES[0])] {
            let dir = tempfile::tempdir().unwrap();
            store_something(made, dir.path());
            for named in ["by the file", "by what lies there"] {
                let error = open(asked, dir.path(), &Options::default()).unwrap_err();
                let expected = format!("was made by the engine {made}, not {asked}");
                assert!(error.to_string().contains(&expected), "{named}: {error}");
                files::remove(&dir.path().join(FILE)).unwrap();
            }
            assert!(finds_it(made, dir.path()), "{made}");
        }
    }

    #[test]
    fn an_engine_that_this_build_does_not_know_is_refused() {
        let dir = tempfile::tempdir().unwrap();
        files::replace(&dir.path().join(FILE), &dir.path().join(DRAFT), b"redb\n").unwrap();
        for kind in ENGINES {
            let error = open(kind, dir.path(), &Options::default()).unwrap_err();
            assert!(matches!(error, KvError::OtherEngine { found, .. } if found == "redb"));
        }
    }

    #[test]
    fn a_claim_that_crashed_is_made_again() {
        for kind in ENGINES {
            let dir = tempfile::tempdir().unwrap();
            files::replace(&dir.path().join(DRAFT), &dir.path().join("x"), b"fja").unwrap();
            store_something(kind, dir.path());
            assert!(finds_it(kind, dir.path()));
        }
    }
}
