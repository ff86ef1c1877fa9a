//! The coordinator's plan of a cluster, as it is kept on disk.

use esker_env::{Disk, DiskError, Permissions, read_file, write_atomically};
use esker_rpc::Formation;
use esker_types::{ClusterId, NodeId};
use serde::{Deserialize, Serialize};
use std::path::{Path, PathBuf};

const FILE: &str = "forming.toml";
const FILE_BYTES_MAX: u64 = 64 << 10;
const FORMAT: u32 = 1;

/// A cluster that is being formed by this node.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Plan {
    pub(crate) formation: Formation,
    pub(crate) stage: PlanStage,
}

/// How far it has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum PlanStage {
    /// Peers are being told. Members may still change.
    Chosen,
    /// Every peer was told, and the first group may have begun.
    Begun,
}

/// Why there is no plan to be had.
#[derive(Debug, thiserror::Error)]
pub(crate) enum PlanError {
    #[error(transparent)]
    Disk(#[from] DiskError),
    #[error("{} can't be used: {what}", path.display())]
    File { path: PathBuf, what: String },
}

#[derive(Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
struct Stored {
    format: u32,
    stage: PlanStage,
    /// 32 hexadecimal digits.
    cluster: String,
    members: Vec<StoredMember>,
}

#[derive(Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
struct StoredMember {
    /// 16 hexadecimal digits.
    node: String,
    address: String,
}

impl Plan {
    /// Whether the first group may exist.
    pub(crate) fn has_begun(&self) -> bool {
        self.stage == PlanStage::Begun
    }

    /// The plan in a data directory, if there is one.
    pub(crate) fn read(disk: &dyn Disk, data_dir: &Path) -> Result<Option<Plan>, PlanError> {
        let path = data_dir.join(FILE);
        let Some(bytes) = read_file(disk, &path, FILE_BYTES_MAX)? else { return Ok(None) };
        decode(&bytes).map(Some).map_err(|what| PlanError::File { path, what })
    }

    /// Replaces the plan in a data directory, durably.
    pub(crate) fn write(&self, disk: &dyn Disk, data_dir: &Path) -> Result<(), PlanError> {
        let path = data_dir.join(FILE);
        let text = self.encode().map_err(|what| PlanError::File { path: path.clone(), what })?;
        Ok(write_atomically(disk, &path, text.as_bytes(), Permissions::Default)?)
    }

    fn encode(&self) -> Result<String, String> {
        let Plan { formation, stage } = self;
        let members = formation.members.iter();
        let stored = Stored {
            format: FORMAT,
            stage: *stage,
            cluster: formation.cluster.0.simple().to_string(),
            members: members
                .map(|(node, address)| StoredMember { node: node.to_string(), address: address.clone() })
                .collect(),
        };
        toml::to_string(&stored).map_err(|error| error.to_string())
    }
}

fn decode(bytes: &[u8]) -> Result<Plan, String> {
    let text = std::str::from_utf8(bytes).map_err(|error| error.to_string())?;
    let stored: Stored = toml::from_str(text).map_err(|error| error.to_string())?;
    if stored.format != FORMAT {
        return Err(format!("its format {} is not known; this build reads format {FORMAT}", stored.format));
    }
    let number = |text: &str| u128::from_str_radix(text, 16).map_err(|error| format!("{text:?}: {error}"));
    let mut members = Vec::new();
    for StoredMember { node, address } in stored.members {
        let node = u64::try_from(number(&node)?).map_err(|error| format!("{node:?}: {error}"))?;
        members.push((NodeId(node), address));
    }
    let cluster = ClusterId::from_bytes(number(&stored.cluster)?.to_be_bytes());
    Ok(Plan { formation: Formation { cluster, members }, stage: stored.stage })
}

#[cfg(test)]
mod tests {
    use super::*;
    use esker_env::SimDisk;

    fn plan() -> Plan {
        let members = vec![(NodeId(0xa), "a:9100".to_owned()), (NodeId(u64::MAX), "b:9100".to_owned())];
        let cluster = ClusterId::from_bytes(*b"0123456789abcdef");
        Plan { formation: Formation { cluster, members }, stage: PlanStage::Chosen }
    }

    #[test]
    fn a_plan_is_plain_text() {
        let text = "format = 1\nstage = \"chosen\"\ncluster = \"30313233343536373839616263646566\"\n\n\
                    [[members]]\nnode = \"000000000000000a\"\naddress = \"a:9100\"\n\n\
                    [[members]]\nnode = \"ffffffffffffffff\"\naddress = \"b:9100\"\n";
        assert_eq!(plan().encode().unwrap(), text);
        assert_eq!(decode(text.as_bytes()), Ok(plan()));
    }

    #[test]
    fn a_plan_survives_power_cuts_once_it_is_written() {
        let (disk, random) = (SimDisk::new(), esker_env::SeededRandom::new(1));
        disk.create_dir_all(Path::new("/d")).unwrap();
        assert_eq!(Plan::read(&disk, Path::new("/d")).unwrap(), None);
        plan().write(&disk, Path::new("/d")).unwrap();
        let begun = Plan { stage: PlanStage::Begun, ..plan() };
        for plan in [plan(), begun] {
            plan.write(&disk, Path::new("/d")).unwrap();
            for _ in 0..20 {
                let found = Plan::read(&disk.power_cut(&random), Path::new("/d")).unwrap();
                assert_eq!(found, Some(plan.clone()));
            }
        }
    }

    #[test]
    fn another_format_and_damage_are_refused() {
        let text = plan().encode().unwrap();
        for (good, bad) in
            [("format = 1", "format = 2"), ("chosen", "done"), ("3031", "zz31"), ("00a\"", "00z\"")]
        {
            assert!(decode(text.replacen(good, bad, 1).as_bytes()).is_err(), "{bad}");
        }
    }
}
