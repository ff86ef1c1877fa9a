//! The bytes of a segment file, format version 1.
//!
//! ```text
//! 0        file header (twice, 2 KiB apart: damage to one copy loses nothing)
//! 4096     record, record, …           each aligned to 8 bytes
//! end - n  footer: one entry per record, then a trailer that ends the file
//! ```
//! A record is a fragment of a blob (at most 256 KiB of its bytes) or a tombstone. Numbers are little-endian.
//! An open segment has no footer, and may end in space that was allocated but never written.
//!
//! Fragments aren't aligned to the file system's blocks: a hole is punched out of the whole blocks within a
//! fragment, so alignment would win less than a block per fragment and cost half a block.

pub mod checksum;
pub mod fences;
pub mod fields;
pub mod footer;
pub mod header;
pub mod record;

pub use footer::{Entry, Trailer};
pub use header::FileHeader;
pub use record::{Fragment, FragmentKind, Record, Tombstone};

/// The version that this build writes, and the only one that it reads.
pub const FORMAT_VERSION: u8 = 1;
/// Bytes before the first record.
pub const FILE_HEADER_BYTES: u64 = 4096;
/// Bytes of a blob in each of its fragments but the last.
pub const FRAGMENT_BYTES: usize = 256 << 10;
/// Bytes of a blob that one checksum covers: what a range read must at least read.
pub const BLOCK_BYTES: usize = 64 << 10;
/// Records start at multiples of this.
pub const ALIGN_BYTES: u64 = 8;

/// Why stored bytes can't be used. They are reported, never trusted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum FormatError {
    /// The bytes end too early.
    #[error("the bytes end too early")]
    Short,
    /// The magic number isn't there.
    #[error("not what is expected here")]
    Magic,
    /// A checksum doesn't match.
    #[error("the checksum does not match")]
    Checksum,
    /// Written by another version of Esker.
    #[error("format version {0} is not known")]
    Version(u8),
    /// Written to another place, or for another segment file.
    #[error("the bytes belong elsewhere")]
    Misplaced,
    /// A field is out of its range.
    #[error("a field is out of range")]
    Field,
}
