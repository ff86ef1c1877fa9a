//! sled's errors in our terms.

use crate::KvError;

/// Says what an error of sled means to a caller.
pub(super) fn sled_error(doing: &'static str, error: sled::Error) -> KvError {
    match error {
        // sled 0.34 reports a held lock as an IO error that only its text tells apart.
        sled::Error::Io(source) if source.to_string().starts_with("could not acquire lock") => {
            KvError::Locked { doing: doing.into() }
        }
        sled::Error::Io(source) => KvError::io(doing, source),
        other => KvError::corruption(doing, other.to_string()),
    }
}
