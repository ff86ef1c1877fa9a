//! Small files that are read and replaced as a whole: markers, settings, keys.

use crate::disk::{Disk, OpenMode, Permissions};
use crate::error::{DiskError, DiskOperation, DiskResult};
use std::ffi::OsString;
use std::io;
use std::path::{Path, PathBuf};

/// Reads a whole file of at most `max_bytes`, or `None` if it doesn't exist. A longer file is `FileTooLarge`,
/// so that a damaged or foreign file can't take all memory.
pub fn read_file(disk: &dyn Disk, path: &Path, max_bytes: u64) -> DiskResult<Option<Vec<u8>>> {
    let file = match disk.open(path, OpenMode::Read) {
        Ok(file) => file,
        Err(error) if error.is_not_found() => return Ok(None),
        Err(error) => return Err(error),
    };
    let len = file.len()?;
    let too_large = || DiskError::new(DiskOperation::Read, path, io::ErrorKind::FileTooLarge.into());
    if len > max_bytes {
        return Err(too_large());
    }
    let mut bytes = vec![0; usize::try_from(len).map_err(|_| too_large())?];
    file.read_exact_at(&mut bytes, 0)?;
    Ok(Some(bytes))
}

/// Replaces the file at `path`: after a crash or power loss at any moment it holds either the old bytes or the
/// new, and the new once this has returned. Two writers of one path mustn't run at once.
pub fn write_atomically(
    disk: &dyn Disk,
    path: &Path,
    bytes: &[u8],
    permissions: Permissions,
) -> DiskResult<()> {
    let (Some(directory), Some(name)) = (path.parent(), path.file_name()) else {
        return Err(DiskError::new(DiskOperation::Write, path, io::ErrorKind::InvalidInput.into()));
    };
    let temporary = temporary_path(directory, name);
    // A crash may have left one, possibly with other permissions.
    match disk.remove_file(&temporary) {
        Ok(()) => {}
        Err(error) if error.is_not_found() => {}
        Err(error) => return Err(error),
    }
    let file = disk.open(&temporary, OpenMode::CreateNew(permissions))?;
    file.write_at(bytes, 0)?;
    file.sync_data()?;
    disk.rename(&temporary, path)?;
    disk.sync_dir(directory)
}

fn temporary_path(directory: &Path, name: &std::ffi::OsStr) -> PathBuf {
    let mut temporary = OsString::from(".");
    temporary.push(name);
    temporary.push(".tmp");
    directory.join(temporary)
}
