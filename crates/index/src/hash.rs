//! FNV-1a, 64 bits: a hash that is the same on every machine and in every release. It tells replicas that
//! differ from replicas that are equal; it defends against nobody.

use crate::rows::{ReadRows, RowsError};
use std::ops::ControlFlow;

/// A hash in the making.
#[derive(Clone, Copy, Debug)]
pub struct Fnv(u64);

impl Default for Fnv {
    fn default() -> Fnv {
        Fnv::new()
    }
}

impl Fnv {
    /// The hash of nothing.
    pub fn new() -> Fnv {
        Fnv(0xcbf2_9ce4_8422_2325)
    }

    /// Adds a field: its length, then its bytes, so that fields can't run into each other.
    pub fn update(&mut self, field: &[u8]) {
        for byte in (field.len() as u64).to_be_bytes().iter().chain(field) {
            self.0 = (self.0 ^ u64::from(*byte)).wrapping_mul(0x100_0000_01b3);
        }
    }

    /// The hash of what was added.
    pub fn finish(self) -> u64 {
        self.0
    }
}

/// The hash of all rows of a group: equal on all replicas that applied the same commands.
pub fn state_hash<R: ReadRows + ?Sized>(rows: &R) -> Result<u64, RowsError> {
    let mut hash = Fnv::new();
    rows.scan(&[], &[0xff], &mut |row, value| {
        hash.update(row);
        hash.update(value);
        ControlFlow::Continue(())
    })?;
    Ok(hash.finish())
}
