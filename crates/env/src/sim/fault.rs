//! Errors that a test makes the simulated disk report.

use crate::error::DiskOperation;
use std::io;
use std::path::{Path, PathBuf};

/// An error to inject.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Fault {
    /// The operation that fails.
    pub operation: DiskOperation,
    /// How many of them succeed first, counted from the injection.
    pub after: u64,
    /// What they fail with.
    pub kind: io::ErrorKind,
    /// How long the fault lasts.
    pub duration: FaultDuration,
}

/// How long a fault lasts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FaultDuration {
    /// One operation fails; later ones succeed.
    Once,
    /// Every later operation fails as well.
    Forever,
}

/// The faults that are armed, each with the directory that it is about.
#[derive(Debug, Default)]
pub(super) struct Faults {
    armed: Vec<(PathBuf, Fault)>,
}

impl Faults {
    pub(super) fn arm(&mut self, under: &Path, fault: Fault) {
        self.armed.push((under.to_owned(), fault));
    }

    pub(super) fn disarm(&mut self) {
        self.armed.clear();
    }

    /// Counts an operation on a path, and fails it if a fault is due.
    pub(super) fn check(&mut self, operation: DiskOperation, path: &Path) -> io::Result<()> {
        let mut due = None;
        self.armed.retain_mut(|(under, fault)| {
            if fault.operation != operation || !path.starts_with(under) {
                return true;
            }
            if fault.after > 0 {
                fault.after -= 1;
                return true;
            }
            due = Some(fault.kind);
            fault.duration == FaultDuration::Forever
        });
        due.map_or(Ok(()), |kind| Err(io::Error::new(kind, "injected fault")))
    }
}
