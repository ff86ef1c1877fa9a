//! The file that a report is written to, a line at a time, so that it can be followed.

use esker_env::{Disk as _, DiskFile, DiskResult, OpenMode, OsDisk, Permissions};
use esker_load::report::Line;
use std::path::Path;
use std::sync::Arc;

/// A report being written.
pub(super) struct LineFile {
    file: Arc<dyn DiskFile>,
    written: u64,
}

impl LineFile {
    /// A new file: a report that is there is not lost to a slip.
    pub(super) fn create(path: &Path) -> DiskResult<LineFile> {
        let file = OsDisk.open(path, OpenMode::CreateNew(Permissions::Default))?;
        Ok(LineFile { file, written: 0 })
    }

    pub(super) fn write(&mut self, line: &Line) -> DiskResult<()> {
        let Ok(mut text) = serde_json::to_string(line) else {
            unreachable!("lines have only texts as names of their members")
        };
        text.push('\n');
        self.file.write_at(text.as_bytes(), self.written)?;
        self.written += text.len() as u64;
        Ok(())
    }
}
