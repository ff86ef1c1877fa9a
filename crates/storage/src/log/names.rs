//! The names of segment files.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};

/// The file of segment `number`.
pub(crate) fn segment_path(dir: &Path, number: u64) -> PathBuf {
    dir.join(format!("{number:012}.seg"))
}

/// The number of a segment file; `None` for any other file.
pub(crate) fn segment_number(name: &OsStr) -> Option<u64> {
    let digits = name.to_str()?.strip_suffix(".seg")?;
    let number = digits.parse().ok()?;
    (format!("{number:012}") == digits).then_some(number)
}
