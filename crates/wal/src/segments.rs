//! The segment that is being written, and the empty ones kept ready, so that a full disk is noticed before an
//! append meets it.

use crate::error::WalError;
use crate::segment::{SEGMENT_HEADER_BYTES, SegmentHeader, segment_name, spare_name};
use esker_env::{Allocation, Disk, DiskFile, OpenMode, Permissions, Random};
use std::path::PathBuf;
use std::sync::Arc;

/// The segment that is being written.
#[derive(Debug)]
pub(crate) struct Active {
    pub(crate) number: u64,
    pub(crate) salt: u64,
    pub(crate) file: Arc<dyn DiskFile>,
    pub(crate) file_bytes: u64,
    /// Where the next frame goes. Everything before is synced.
    pub(crate) end: u64,
    /// Whether the head is written.
    pub(crate) has_frames: bool,
}

impl Active {
    pub(crate) fn free_bytes(&self) -> u64 {
        self.file_bytes.saturating_sub(self.end)
    }
}

/// Makes segments, keeps spare ones, and takes back old ones.
#[derive(Debug)]
pub(crate) struct Pool {
    disk: Arc<dyn Disk>,
    random: Arc<dyn Random>,
    dir: PathBuf,
    identity: [u8; 32],
    segment_bytes: u64,
    spares_wanted: usize,
    spares: Vec<PathBuf>,
    next_spare: u64,
}

impl Pool {
    pub(crate) fn new(
        disk: Arc<dyn Disk>,
        random: Arc<dyn Random>,
        dir: PathBuf,
        options: &crate::WalOptions,
    ) -> Pool {
        Pool {
            disk,
            random,
            dir,
            identity: options.identity,
            segment_bytes: options.segment_bytes,
            spares_wanted: options.spare_segments,
            spares: Vec::new(),
            next_spare: 0,
        }
    }

    /// Takes over a spare file that an earlier process left, or removes it if it is of no use.
    pub(crate) fn adopt(&mut self, number: u64) -> Result<(), WalError> {
        let path = self.dir.join(spare_name(number));
        self.next_spare = self.next_spare.max(number.wrapping_add(1));
        let file = self.disk.open(&path, OpenMode::ReadWrite)?;
        let usable = file.len()? == self.segment_bytes && self.spares.len() < self.spares_wanted;
        // A power cut may have kept the length of a new file and lost its reservation.
        if usable && self.reserve(&*file)? == Space::Enough {
            self.spares.push(path);
            return Ok(());
        }
        self.disk.remove_file(&path)?;
        Ok(())
    }

    /// How many spare segments are missing.
    pub(crate) fn missing(&self) -> usize {
        self.spares_wanted.saturating_sub(self.spares.len())
    }

    /// The bytes that all spare segments can take.
    pub(crate) fn free_bytes(&self) -> u64 {
        self.spares.len() as u64 * self.capacity()
    }

    /// The bytes that an empty segment can take.
    pub(crate) fn capacity(&self) -> u64 {
        self.segment_bytes - SEGMENT_HEADER_BYTES
    }

    /// What the disk has left. A disk that can't tell is taken for one with space: writing to it will show.
    pub(crate) fn disk_free_bytes(&self) -> u64 {
        self.disk.space(&self.dir).map_or(u64::MAX, |space| space.available_bytes)
    }

    /// Makes the spare segments that are missing, as far as there is space.
    pub(crate) fn refill(&mut self) -> Result<(), WalError> {
        while self.missing() > 0 {
            match self.make()? {
                Some(path) => self.spares.push(path),
                None => break,
            }
        }
        Ok(())
    }

    /// Starts a segment in a spare file. Everything in the segments before must be synced.
    pub(crate) fn start(
        &mut self,
        number: u64,
        first_frame: u64,
        previous_end: u64,
    ) -> Result<Active, WalError> {
        let spare = match self.spares.pop() {
            Some(path) => path,
            None => self.make()?.ok_or(WalError::Full)?,
        };
        let salt = self.random.u64();
        let header = SegmentHeader { number, salt, first_frame, previous_end, identity: self.identity };
        let file = self.disk.open(&spare, OpenMode::ReadWrite)?;
        file.write_at(&header.encode(), 0)?;
        file.sync_data()?;
        let path = self.dir.join(segment_name(number));
        self.disk.rename(&spare, &path)?;
        self.disk.sync_dir(&self.dir)?;
        // The handle names the path that it was opened by, and errors should name the segment's.
        let file = self.disk.open(&path, OpenMode::ReadWrite)?;
        let file_bytes = file.len()?;
        Ok(Active { number, salt, file, file_bytes, end: SEGMENT_HEADER_BYTES, has_frames: false })
    }

    /// Takes back a segment that nothing needs: as a spare if one is missing, else its space is freed. The
    /// change is durable before the next segment's turn, so that no crash leaves a gap between segments.
    pub(crate) fn retire(&mut self, number: u64, file: &Arc<dyn DiskFile>) -> Result<(), WalError> {
        let path = self.dir.join(segment_name(number));
        let unread = Arc::strong_count(file) == 1;
        if unread && self.missing() > 0 && file.len()? == self.segment_bytes {
            let spare = self.next_spare_path();
            self.disk.rename(&path, &spare)?;
            self.disk.sync_dir(&self.dir)?;
            self.spares.push(spare);
        } else {
            self.disk.remove_file(&path)?;
            self.disk.sync_dir(&self.dir)?;
        }
        Ok(())
    }

    /// Makes a spare file with all of its space reserved. None if the disk is full.
    fn make(&mut self) -> Result<Option<PathBuf>, WalError> {
        let path = self.next_spare_path();
        let file = match self.disk.open(&path, OpenMode::CreateNew(Permissions::OwnerOnly)) {
            Ok(file) => file,
            Err(error) if error.is_full() => return Ok(None),
            Err(error) => return Err(error.into()),
        };
        match self.reserve(&*file)? {
            Space::Enough => Ok(Some(path)),
            Space::Full => {
                drop(file);
                self.disk.remove_file(&path)?;
                Ok(None)
            }
        }
    }

    fn reserve(&self, file: &dyn DiskFile) -> Result<Space, WalError> {
        let reserved = file.allocate(0, self.segment_bytes, Allocation::GrowLength);
        match reserved.and_then(|()| file.sync_data()) {
            Ok(()) => Ok(Space::Enough),
            Err(error) if error.is_full() => Ok(Space::Full),
            Err(error) => Err(error.into()),
        }
    }

    fn next_spare_path(&mut self) -> PathBuf {
        let path = self.dir.join(spare_name(self.next_spare));
        self.next_spare = self.next_spare.wrapping_add(1);
        path
    }
}

/// Whether a reservation succeeded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Space {
    Enough,
    Full,
}
