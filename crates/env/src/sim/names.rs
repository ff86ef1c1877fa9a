//! The directories of the simulated disk: which names lead to which files, now and after a power cut.

use super::power::Temper;
use crate::random::Random;
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

/// The number of a file; names come and go, it stays.
pub(super) type InodeId = u64;

/// The name space. Directories are durable at once, as [`Disk`](crate::Disk) promises; files' names are not.
#[derive(Debug, Clone, Default)]
pub(super) struct Names {
    current: BTreeMap<PathBuf, InodeId>,
    durable: BTreeMap<PathBuf, InodeId>,
    pending: Vec<NameChange>,
    directories: BTreeSet<PathBuf>,
}

#[derive(Debug, Clone)]
pub(super) enum NameChange {
    Link { path: PathBuf, inode: InodeId },
    Unlink { path: PathBuf, inode: InodeId },
    Rename { from: PathBuf, to: PathBuf, inode: InodeId },
}

impl NameChange {
    fn inode(&self) -> InodeId {
        match *self {
            NameChange::Link { inode, .. }
            | NameChange::Unlink { inode, .. }
            | NameChange::Rename { inode, .. } => inode,
        }
    }

    /// The directories that it changes.
    fn parents(&self) -> [PathBuf; 2] {
        let (a, b) = match self {
            NameChange::Link { path, .. } | NameChange::Unlink { path, .. } => (path, path),
            NameChange::Rename { from, to, .. } => (from, to),
        };
        [parent(a), parent(b)]
    }

    fn apply(&self, names: &mut BTreeMap<PathBuf, InodeId>) {
        match self {
            NameChange::Link { path, inode } | NameChange::Rename { to: path, inode, .. } => {
                // Earlier renames may have been lost; a file still has one name only.
                names.retain(|_, found| found != inode);
                names.insert(path.clone(), *inode);
            }
            NameChange::Unlink { path, inode } => {
                if names.get(path) == Some(inode) {
                    names.remove(path);
                }
            }
        }
    }
}

pub(super) fn parent(path: &Path) -> PathBuf {
    path.parent().unwrap_or(Path::new("")).to_owned()
}

impl Names {
    pub(super) fn find(&self, path: &Path) -> Option<InodeId> {
        self.current.get(path).copied()
    }

    pub(super) fn has_directory(&self, dir: &Path) -> bool {
        dir.as_os_str().is_empty() || dir == Path::new("/") || self.directories.contains(dir)
    }

    pub(super) fn add_directories(&mut self, dir: &Path) {
        self.directories
            .extend(dir.ancestors().filter(|dir| !dir.as_os_str().is_empty()).map(Path::to_owned));
    }

    pub(super) fn files_in(&self, dir: &Path) -> impl Iterator<Item = &PathBuf> {
        self.current.keys().filter(move |path| parent(path) == dir)
    }

    pub(super) fn directories_in(&self, dir: &Path) -> impl Iterator<Item = &PathBuf> {
        self.directories.iter().filter(move |path| path.parent() == Some(dir))
    }

    /// Removes a directory and what is in it, durably.
    pub(super) fn remove_directory(&mut self, dir: &Path) {
        self.directories.retain(|path| !path.starts_with(dir));
        self.current.retain(|path, _| !path.starts_with(dir));
        self.durable.retain(|path, _| !path.starts_with(dir));
        self.pending.retain(|change| !change.parents().iter().any(|parent| parent.starts_with(dir)));
    }

    pub(super) fn change(&mut self, change: NameChange) {
        change.apply(&mut self.current);
        self.pending.push(change);
    }

    /// Makes the changes to `dir` durable. A rename across directories is one change of the file system's
    /// journal: it takes with it what came before in the other directory.
    pub(super) fn sync(&mut self, dir: &Path) {
        let mut reached = BTreeSet::from([dir.to_owned()]);
        let mut synced = Vec::new();
        for change in std::mem::take(&mut self.pending).into_iter().rev() {
            let parents = change.parents();
            if parents.iter().any(|parent| reached.contains(parent)) {
                reached.extend(parents);
                synced.push(change);
            } else {
                self.pending.push(change);
            }
        }
        self.pending.reverse();
        for change in synced.iter().rev() {
            change.apply(&mut self.durable);
        }
    }

    /// What a power cut leaves.
    pub(super) fn after_power_cut(&self, temper: Temper, random: &dyn Random) -> Names {
        let mut left = self.durable.clone();
        for change in &self.pending {
            if temper.keeps(random) {
                change.apply(&mut left);
            }
        }
        Names {
            current: left.clone(),
            durable: left,
            pending: Vec::new(),
            directories: self.directories.clone(),
        }
    }

    /// Whether `inode` has a name now.
    pub(super) fn is_named(&self, inode: InodeId) -> bool {
        self.current.values().any(|&found| found == inode)
    }

    /// The files that have a name now, or may have one after a power cut.
    pub(super) fn reachable(&self) -> BTreeSet<InodeId> {
        let pending = self.pending.iter().map(NameChange::inode);
        self.current.values().chain(self.durable.values()).copied().chain(pending).collect()
    }
}
