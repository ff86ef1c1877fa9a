//! Where data is kept: the system disk's directory, and those of the other disks.

use super::{SettingsError, invalid};
use esker_types::{NodeRole, NodeRoles};
use std::path::{Path, PathBuf};

/// More disks than machines have.
const DIRS_MAX: usize = 64;

/// The data directories of a node.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct DataDirs {
    /// On the system disk, which has the log, the index, and data.
    pub(crate) system: PathBuf,
    /// On the other disks, which have data alone.
    pub(crate) others: Vec<PathBuf>,
}

impl DataDirs {
    pub(super) fn complete(given: &[PathBuf], roles: NodeRoles) -> Result<DataDirs, SettingsError> {
        let Some((system, others)) = given.split_first() else {
            return Ok(DataDirs { system: PathBuf::from("./esker-data"), others: Vec::new() });
        };
        if !others.is_empty() && !roles.has(NodeRole::Storage) {
            let what = "more than one, but only the storage role keeps data on further disks";
            return Err(invalid("data_dir", what));
        }
        if given.len() > DIRS_MAX {
            return Err(invalid("data_dir", format_args!("at most {DIRS_MAX}")));
        }
        for (at, dir) in given.iter().enumerate() {
            let name = dir.display();
            let inside = |other: &&PathBuf| dir.starts_with(other) || other.starts_with(dir);
            if let Some(other) = given[..at].iter().find(inside) {
                return Err(invalid(
                    "data_dir",
                    format_args!("{name} and {} lie in one another", other.display()),
                ));
            }
        }
        if let Some(dir) = others.iter().find(|dir| !can_be_noted(dir)) {
            let what = format!("{} is no name that can be written in a line of text", dir.display());
            return Err(invalid("data_dir", what));
        }
        Ok(DataDirs { system: system.clone(), others: others.to_vec() })
    }
}

fn can_be_noted(dir: &Path) -> bool {
    dir.to_str().is_some_and(|name| !name.is_empty() && !name.contains(char::is_control))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn complete(given: &[&str]) -> Result<DataDirs, SettingsError> {
        let given: Vec<PathBuf> = given.iter().map(PathBuf::from).collect();
        DataDirs::complete(&given, NodeRoles::ALL)
    }

    #[track_caller]
    fn refused(given: &[&str], because: &str) {
        let error = complete(given).expect_err("it is refused");
        assert!(error.to_string().contains(because), "{given:?}: {error}");
    }

    #[test]
    fn the_first_directory_is_the_system_disks() {
        let dirs = |system: &str, others: &[&str]| DataDirs {
            system: PathBuf::from(system),
            others: others.iter().map(PathBuf::from).collect(),
        };
        assert_eq!(complete(&[]).ok(), Some(dirs("./esker-data", &[])));
        assert_eq!(complete(&["/a"]).ok(), Some(dirs("/a", &[])));
        assert_eq!(complete(&["/a", "/b", "/c d"]).ok(), Some(dirs("/a", &["/b", "/c d"])));
    }

    #[test]
    fn directories_that_are_no_disks_of_their_own_are_told() {
        refused(&["/a", "/a"], "lie in one another");
        refused(&["/a", "/a/b"], "lie in one another");
        refused(&["/a/b", "/c", "/a"], "lie in one another");
        refused(&["/a", "/b\n"], "line of text");
        let gateway = NodeRoles::new([NodeRole::Gateway]).expect("a role");
        let dirs = ["/a", "/b"].map(PathBuf::from);
        assert!(DataDirs::complete(&dirs, gateway).is_err());
        assert!(DataDirs::complete(&dirs[..1], gateway).is_ok());
    }
}
