//! fjall's errors in our terms.

use std::io;

use crate::KvError;

/// Says what an error of fjall means to a caller.
pub(super) fn fjall_error(doing: &'static str, error: fjall::Error) -> KvError {
    match error {
        fjall::Error::Io(source) | fjall::Error::Storage(fjall::LsmError::Io(source)) => {
            io_error(doing, source)
        }
        fjall::Error::Poisoned | fjall::Error::KeyspaceDeleted => KvError::Closed { doing: doing.into() },
        fjall::Error::Locked => KvError::Locked { doing: doing.into() },
        other => KvError::corruption(doing, other.to_string()),
    }
}

/// An IO error, unless it is how the engine reports short files.
pub(super) fn io_error(doing: &'static str, source: io::Error) -> KvError {
    match source.kind() {
        io::ErrorKind::UnexpectedEof | io::ErrorKind::InvalidData => {
            KvError::corruption(doing, source.to_string())
        }
        _ => KvError::io(doing, source),
    }
}
