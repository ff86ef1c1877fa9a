//! Errors that a test makes the simulated disk report.

use crate::error::DiskOperation;
use std::io;

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

/// The faults that are armed.
#[derive(Debug, Default)]
pub(super) struct Faults {
    armed: Vec<Fault>,
}

impl Faults {
    pub(super) fn arm(&mut self, fault: Fault) {
        self.armed.push(fault);
    }

    pub(super) fn disarm(&mut self) {
        self.armed.clear();
    }

    /// Counts an operation, and fails it if a fault is due.
    pub(super) fn check(&mut self, operation: DiskOperation) -> io::Result<()> {
        let mut due = None;
        self.armed.retain_mut(|fault| {
            if fault.operation != operation {
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
