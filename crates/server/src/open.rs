//! Opens what a node keeps on disk, from the bottom up.

use crate::settings::Settings;
use crate::start_error::StartError;
use esker_env::{Clock, Disk, Random};
use esker_kv::Engine;
use esker_storage::{DataDir, DataDirError, IndexStart, OpenError, OpenReport, SegmentStore, StorageOptions};
use esker_types::{NodeRole, NodeRoles};
use esker_wal::{Wal, WalOptions};
use std::io::ErrorKind;
use std::path::Path;
use std::sync::Arc;

/// What the operating system gives.
#[derive(Clone)]
pub(crate) struct World {
    pub(crate) disk: Arc<dyn Disk>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) random: Arc<dyn Random>,
}

/// What the roles of a node keep.
pub(crate) struct Opened {
    /// None if no role needs it.
    pub(crate) engine: Option<Arc<dyn Engine>>,
    /// The log of the metadata role.
    pub(crate) wal: Option<Wal>,
    /// The blobs of the storage role.
    pub(crate) storage: Option<Arc<SegmentStore>>,
}

/// Locks the data directory and looks whether its node still has the roles that its data is for.
pub(crate) fn data_dir(settings: &Settings, world: &World) -> Result<Arc<DataDir>, StartError> {
    let opened = DataDir::open(&*world.disk, &settings.data_dir, &*world.random);
    let dir = Arc::new(opened.map_err(|error| unopened(error, &settings.data_dir))?);
    let roles = settings.cluster.roles;
    if !roles.has(NodeRole::Metadata) && dir.is_formed(&*world.disk)? {
        return Err(StartError::RoleDropped { role: "metadata", what: "replicas of the index" });
    }
    if !roles.has(NodeRole::Storage) && has_files(&*world.disk, &dir.segments(), "seg")? {
        return Err(StartError::RoleDropped { role: "storage", what: "data" });
    }
    Ok(dir)
}

/// Why the data directory can't be opened; who it must belong to, if that is it. In a container it is often a mounted one.
fn unopened(error: DataDirError, data_dir: &Path) -> StartError {
    match error {
        DataDirError::Disk(source) if source.kind() == ErrorKind::PermissionDenied => {
            StartError::NotPermitted {
                data_dir: data_dir.to_owned(),
                user: rustix::process::geteuid().as_raw(),
                group: rustix::process::getegid().as_raw(),
                source,
            }
        }
        error => error.into(),
    }
}

/// Opens what the roles keep. The directory belongs to a cluster.
pub(crate) fn roles(
    settings: &Settings,
    index: IndexStart,
    world: &World,
    dir: &Arc<DataDir>,
) -> Result<Opened, StartError> {
    let disk = &world.disk;
    let roles: NodeRoles = settings.cluster.roles;
    let (metadata, storage) = (roles.has(NodeRole::Metadata), roles.has(NodeRole::Storage));
    // Before anything is made anew in the place of what may come back.
    if metadata && dir.is_formed(&**disk)? && !has_files(&**disk, &dir.wal(), "wal")? {
        return Err(StartError::LogGone(dir.wal()));
    }
    if !metadata && !storage {
        return Ok(Opened { engine: None, wal: None, storage: None });
    }
    let engine = esker_kv::open(settings.engine, &dir.kv(), &esker_kv::Options::default())?;
    let wal = if metadata { Some(log(world, dir)?) } else { None };
    let storage = match storage {
        true => Some(Arc::new(segments(settings, index, world, dir, &engine)?)),
        false => None,
    };
    Ok(Opened { engine: Some(engine), wal, storage })
}

fn log(world: &World, dir: &DataDir) -> Result<Wal, StartError> {
    let identity = dir.identity();
    let mut wal_identity = [0; 32];
    wal_identity[..16].copy_from_slice(identity.cluster.as_bytes());
    wal_identity[16..24].copy_from_slice(&identity.node.0.to_be_bytes());
    let options = WalOptions::new(wal_identity);
    let (wal, recovery) = Wal::open(&world.disk, &world.random, &dir.wal(), &options)?;
    if let Some(cut) = recovery.cut {
        tracing::info!(?cut, "cut the torn tail that a crash left of the log");
    }
    Ok(wal)
}

fn segments(
    settings: &Settings,
    index: IndexStart,
    world: &World,
    dir: &Arc<DataDir>,
    engine: &Arc<dyn Engine>,
) -> Result<SegmentStore, StartError> {
    let components = esker_storage::Components {
        disk: world.disk.clone(),
        engine: engine.clone(),
        dir: dir.clone(),
        random: world.random.clone(),
        clock: world.clock.clone(),
    };
    let options = StorageOptions {
        free_space: settings.free_space(),
        maintenance_bytes_per_second: settings.maintenance_bytes_per_second,
        ..StorageOptions::default()
    };
    let (storage, report) = match SegmentStore::open(components, options, index) {
        Err(gone @ OpenError::SegmentsGone(_)) => return Err(StartError::SegmentsGone(gone)),
        opened => opened?,
    };
    tracing::info!(?report, "opened the segments");
    let OpenReport { missing_segments: missing, damaged_segments: damaged, .. } = report;
    if !missing.is_empty() || !damaged.is_empty() {
        tracing::error!(
            ?missing,
            ?damaged,
            "segments are missing or can't be read: their data must come from other replicas"
        );
    }
    Ok(storage)
}

/// Whether there is a file with an extension, readable or not.
fn has_files(disk: &dyn Disk, dir: &Path, extension: &str) -> Result<bool, DataDirError> {
    let entries = disk.list(dir).map_err(DataDirError::Disk)?;
    Ok(entries.iter().any(|entry| Path::new(&entry.name).extension().is_some_and(|found| found == extension)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use esker_env::{DiskError, DiskOperation};
    use std::io;

    fn told(kind: ErrorKind) -> String {
        let failed = DiskError::new(DiskOperation::Open, Path::new("/data/lock"), io::Error::from(kind));
        unopened(DataDirError::Disk(failed), Path::new("/data")).to_string()
    }

    #[test]
    fn a_directory_of_another_user_is_told_with_what_to_do() {
        let (user, group) = (rustix::process::geteuid().as_raw(), rustix::process::getegid().as_raw());
        let denied = told(ErrorKind::PermissionDenied);
        assert!(
            denied.contains("/data/lock") && denied.contains(&format!("chown -R {user}:{group}")),
            "{denied}"
        );
        assert!(!told(ErrorKind::StorageFull).contains("chown"));
    }
}
