//! The other nodes' addresses as this node last knew them, kept in the data directory: a node that starts again finds
//! its cluster even if none of the addresses in its settings is there any more.

use esker_env::{Disk, DiskError, Permissions, read_file, write_atomically};
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

const FILE: &str = "known-nodes";
const FILE_BYTES_MAX: u64 = 1 << 20;
const TITLE: &str = "esker known nodes, format 1";
/// More are not kept: any of them leads to the others.
const ADDRESSES_MAX: usize = 256;

/// Why the addresses can't be had.
#[derive(Debug, thiserror::Error)]
pub(crate) enum KnownError {
    #[error(transparent)]
    Disk(#[from] DiskError),
    #[error("{} is damaged, or of another version: delete it, and name a node of the cluster with --join", .0.display())]
    File(PathBuf),
}

/// Addresses at which other nodes may be found.
pub(crate) struct KnownNodes {
    disk: Arc<dyn Disk>,
    path: PathBuf,
    /// From the settings.
    given: BTreeSet<String>,
    learned: Mutex<BTreeSet<String>>,
}

impl KnownNodes {
    pub(crate) fn open(
        disk: Arc<dyn Disk>,
        data_dir: &Path,
        given: Vec<String>,
    ) -> Result<KnownNodes, KnownError> {
        let path = data_dir.join(FILE);
        let learned = match read_file(&*disk, &path, FILE_BYTES_MAX)? {
            None => BTreeSet::new(),
            Some(bytes) => decode(&bytes).ok_or_else(|| KnownError::File(path.clone()))?,
        };
        let given = given.into_iter().collect();
        Ok(KnownNodes { disk, path, given, learned: Mutex::new(learned) })
    }

    /// All of them, those of the settings included.
    pub(crate) fn all(&self) -> Vec<String> {
        let learned = self.learned.lock().unwrap_or_else(PoisonError::into_inner);
        self.given.union(&learned).cloned().collect()
    }

    /// Replaces what was learned, durably. Waits for the disk.
    pub(crate) fn learn(&self, addresses: impl IntoIterator<Item = String>) -> Result<(), KnownError> {
        let addresses: BTreeSet<String> =
            addresses.into_iter().filter(|address| !address.is_empty()).take(ADDRESSES_MAX).collect();
        let mut learned = self.learned.lock().unwrap_or_else(PoisonError::into_inner);
        if *learned != addresses {
            write_atomically(&*self.disk, &self.path, encode(&addresses).as_bytes(), Permissions::Default)?;
            *learned = addresses;
        }
        Ok(())
    }
}

fn encode(addresses: &BTreeSet<String>) -> String {
    addresses.iter().fold(format!("{TITLE}\n"), |text, address| text + address + "\n")
}

fn decode(bytes: &[u8]) -> Option<BTreeSet<String>> {
    let text = std::str::from_utf8(bytes).ok()?;
    let rest = text.strip_prefix(TITLE)?.strip_prefix('\n')?;
    (rest.is_empty() || rest.ends_with('\n')).then(|| rest.lines().map(str::to_owned).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use esker_env::{SeededRandom, SimDisk};

    fn open(disk: &SimDisk, given: &[&str]) -> Result<KnownNodes, KnownError> {
        disk.create_dir_all(Path::new("/d")).unwrap();
        let given = given.iter().map(|address| (*address).to_owned()).collect();
        KnownNodes::open(Arc::new(disk.clone()), Path::new("/d"), given)
    }

    #[test]
    fn what_was_learned_survives_power_cuts_beside_what_is_given() {
        let disk = SimDisk::new();
        let known = open(&disk, &["a:1"]).unwrap();
        assert_eq!(known.all(), ["a:1"]);
        known.learn(["c:1".to_owned(), String::new(), "b:1".to_owned()]).unwrap();
        known.learn(["b:1".to_owned(), "d:1".to_owned()]).unwrap();
        let after = disk.power_cut(&SeededRandom::new(1));
        assert_eq!(open(&after, &["a:1", "b:1"]).unwrap().all(), ["a:1", "b:1", "d:1"]);
    }

    #[test]
    fn the_file_is_plain_text_and_another_format_is_refused() {
        let text = "esker known nodes, format 1\na:1\nb:1\n";
        let addresses = ["a:1", "b:1"].map(str::to_owned).into();
        assert_eq!((encode(&addresses).as_str(), decode(text.as_bytes())), (text, Some(addresses)));
        assert_eq!(decode(b"esker known nodes, format 2\na:1\n"), None);
        assert_eq!(decode(b"esker known nodes, format 1\na:1"), None);
    }
}
