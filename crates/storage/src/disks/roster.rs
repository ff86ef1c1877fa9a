//! Which data disks the node has: a file on the system disk, as text. A node with one disk has no such file.
//!
//! The file is how a disk is missed that is not there. It also remembers that what was on one is not all here again: what
//! the node must not forget, since till then its lists prove nothing.

use super::DiskId;
use crate::marker::{Lines, MarkerError, seal};
use esker_env::{Disk, DiskError, Permissions, read_file, write_atomically};
use esker_rpc::Wholeness;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

const FILE_BYTES_MAX: u64 = 1 << 20;
const TITLE: &str = "esker data disks";
const FORMAT: &str = "1";

/// Why the file can't be used.
#[derive(Debug, thiserror::Error)]
pub enum RosterError {
    /// The disk failed.
    #[error(transparent)]
    Disk(#[from] DiskError),
    /// The file can't be read.
    #[error("{} can't be used: {reason}. It says which data disks the node has; restore it", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        reason: MarkerError,
    },
}

/// Whether a disk is used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Use {
    /// It was there at the last start.
    In,
    /// It was not, and the node is to be made whole without it.
    Out,
}

/// A disk that the node has, or had.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Entry {
    pub(super) id: DiskId,
    pub(super) used: Use,
    pub(super) path: PathBuf,
}

/// All of them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Roster {
    pub(super) wholeness: Wholeness,
    pub(super) disks: Vec<Entry>,
}

impl Roster {
    pub(super) fn get(&self, id: DiskId) -> Option<&Entry> {
        self.disks.iter().find(|entry| entry.id == id)
    }
}

fn encode(roster: &Roster) -> String {
    let standing = match roster.wholeness {
        Wholeness::Whole => "whole",
        Wholeness::Lacking => "lacking",
    };
    let mut text = format!("{TITLE}\nformat {FORMAT}\nstanding {standing}\n");
    for Entry { id, used, path } in &roster.disks {
        let used = match used {
            Use::In => "in",
            Use::Out => "out",
        };
        text += &format!("disk {id} {used} {}\n", path.display());
    }
    seal(text)
}

fn decode(bytes: &[u8]) -> Result<Roster, MarkerError> {
    let text = std::str::from_utf8(bytes).map_err(|_| MarkerError::Damaged)?;
    let mut lines = Lines::new(text);
    lines.field(TITLE)?;
    match lines.field("format ")? {
        FORMAT => {}
        other => return Err(MarkerError::Format(other.chars().take(20).collect())),
    }
    let wholeness = match lines.field("standing ")? {
        "whole" => Wholeness::Whole,
        "lacking" => Wholeness::Lacking,
        _ => return Err(MarkerError::Damaged),
    };
    let mut disks = Vec::new();
    while let Ok(entry) = lines.field("disk ") {
        disks.push(decode_entry(entry).ok_or(MarkerError::Damaged)?);
    }
    let roster = Roster { wholeness, disks };
    if encode(&roster).as_bytes() == bytes { Ok(roster) } else { Err(MarkerError::Damaged) }
}

fn decode_entry(text: &str) -> Option<Entry> {
    let (id, rest) = text.split_once(' ')?;
    let (used, path) = rest.split_once(' ')?;
    let used = match used {
        "in" => Use::In,
        "out" => Use::Out,
        _ => return None,
    };
    Some(Entry { id: DiskId::parse(id)?, used, path: PathBuf::from(path) })
}

/// The file, and what it says.
#[derive(Debug)]
pub(super) struct RosterFile {
    disk: Arc<dyn Disk>,
    path: PathBuf,
    roster: Mutex<Roster>,
}

impl RosterFile {
    /// Reads the file, which is in the system disk's data directory.
    pub(super) fn load(disk: Arc<dyn Disk>, path: PathBuf) -> Result<RosterFile, RosterError> {
        let roster = match read_file(&*disk, &path, FILE_BYTES_MAX)? {
            None => Roster::default(),
            Some(bytes) => match decode(&bytes) {
                Ok(roster) => roster,
                Err(reason) => return Err(RosterError::Unreadable { path, reason }),
            },
        };
        Ok(RosterFile { disk, path, roster: Mutex::new(roster) })
    }

    /// What the file says.
    pub(super) fn get(&self) -> Roster {
        self.lock().clone()
    }

    /// Replaces what the file says, durably. Blocks on the disk.
    pub(super) fn set(&self, roster: Roster) -> Result<(), DiskError> {
        self.change(|old| *old = roster)
    }

    /// Remembers that the node has all again that it can have. Blocks on the disk.
    pub(super) fn mark_whole(&self) -> Result<(), DiskError> {
        self.change(|roster| roster.wholeness = Wholeness::Whole)
    }

    fn change(&self, change: impl FnOnce(&mut Roster)) -> Result<(), DiskError> {
        // Locked while the file is written, so that there is one writer.
        let mut known = self.lock();
        let mut new = known.clone();
        change(&mut new);
        if new != *known {
            write_atomically(&*self.disk, &self.path, encode(&new).as_bytes(), Permissions::Default)?;
            *known = new;
        }
        Ok(())
    }

    fn lock(&self) -> MutexGuard<'_, Roster> {
        // It is replaced as a whole.
        self.roster.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use esker_env::SimDisk;
    use std::path::Path;

    fn roster() -> Roster {
        let entry = |id, used, path: &str| Entry { id: DiskId(id), used, path: PathBuf::from(path) };
        let disks = vec![entry(0xb, Use::In, "/srv/b"), entry(0xc, Use::Out, "/srv/a path with spaces")];
        Roster { wholeness: Wholeness::Lacking, disks }
    }

    #[test]
    fn a_roster_is_plain_text() {
        let text = encode(&roster());
        let expected = "esker data disks\nformat 1\nstanding lacking\ndisk 000000000000000b in /srv/b\n\
                        disk 000000000000000c out /srv/a path with spaces\ncrc32c ";
        assert!(text.starts_with(expected), "{text}");
        assert_eq!(decode(text.as_bytes()), Ok(roster()));
        for at in 0..text.len() {
            let mut changed = text.clone().into_bytes();
            changed[at] ^= 1;
            assert!(decode(&changed).is_err(), "byte {at}");
            assert!(decode(&text.as_bytes()[..at]).is_err(), "cut at {at}");
        }
        let other = text.replace("format 1", "format 9");
        assert_eq!(decode(other.as_bytes()), Err(MarkerError::Format("9".into())));
    }

    #[test]
    fn the_file_is_written_when_something_changes_and_not_for_a_node_with_one_disk() {
        let disk: Arc<dyn Disk> = Arc::new(SimDisk::new());
        disk.create_dir_all(Path::new("/d")).unwrap();
        let file = RosterFile::load(disk.clone(), PathBuf::from("/d/disks")).unwrap();
        file.set(Roster::default()).unwrap();
        file.mark_whole().unwrap();
        assert!(disk.list(Path::new("/d")).unwrap().is_empty());
        file.set(roster()).unwrap();
        file.mark_whole().unwrap();
        let found = RosterFile::load(disk, PathBuf::from("/d/disks")).unwrap().get();
        assert_eq!(found, Roster { wholeness: Wholeness::Whole, ..roster() });
    }
}
