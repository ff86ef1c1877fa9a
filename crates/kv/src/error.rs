//! What can go wrong in an engine, in terms that a caller can act on.

use std::borrow::Cow;
use std::io;
use std::path::PathBuf;

use crate::EngineKind;

/// A failed engine operation. Every variant says what was being done.
#[derive(Debug, thiserror::Error)]
pub enum KvError {
    /// The operating system refused a read or a write.
    #[error("{doing}: {source}")]
    Io {
        /// The operation that failed.
        doing: Cow<'static, str>,
        /// What the operating system said.
        #[source]
        source: io::Error,
    },
    /// Stored bytes are not what was written. The data must be fetched from another replica.
    #[error("{doing}: stored data is damaged: {detail}")]
    Corruption {
        /// The operation that met the damage.
        doing: Cow<'static, str>,
        /// The engine's own description.
        detail: String,
    },
    /// An earlier write failed, so the engine no longer knows what is on disk. Reopen it.
    #[error("{doing}: the engine stopped accepting work after an earlier write failed")]
    Closed {
        /// The operation that was refused.
        doing: Cow<'static, str>,
    },
    /// Another process holds the store open.
    #[error("{doing}: the store is open in another process")]
    Locked {
        /// The operation that was refused.
        doing: Cow<'static, str>,
    },
    /// The store was made by another engine. An engine can't read what another one wrote.
    #[error(
        "{} was made by the engine {found}, not {wanted}: start with {found}, because a store keeps the engine that \
         made it",
        path.display()
    )]
    OtherEngine {
        /// The store's directory.
        path: PathBuf,
        /// The engine that made it.
        found: String,
        /// The engine that was asked for.
        wanted: EngineKind,
    },
    /// The handle names a keyspace that was dropped, or that did not exist yet when the view was taken.
    #[error("{doing}: there is no keyspace {name:?}")]
    UnknownKeyspace {
        /// The operation that was refused.
        doing: Cow<'static, str>,
        /// The keyspace's name.
        name: String,
    },
    /// The name is empty, longer than [`Keyspace::NAME_BYTES_MAX`](crate::Keyspace::NAME_BYTES_MAX) or has bytes outside
    /// `[a-zA-Z0-9._-]`.
    #[error("open a keyspace: {name:?} is not a keyspace name")]
    InvalidName {
        /// The refused name.
        name: String,
    },
    /// A key is empty or longer than [`Batch::KEY_BYTES_MAX`](crate::Batch::KEY_BYTES_MAX).
    #[error("commit: a key of {bytes} bytes is outside 1..={max}", max = crate::Batch::KEY_BYTES_MAX)]
    KeySize {
        /// The refused key's length.
        bytes: usize,
    },
    /// A value is longer than [`Batch::VALUE_BYTES_MAX`](crate::Batch::VALUE_BYTES_MAX).
    #[error("commit: a value of {bytes} bytes is over {max}", max = crate::Batch::VALUE_BYTES_MAX)]
    ValueSize {
        /// The refused value's length.
        bytes: usize,
    },
}

impl KvError {
    pub(crate) fn io(doing: impl Into<Cow<'static, str>>, source: io::Error) -> Self {
        Self::Io { doing: doing.into(), source }
    }

    pub(crate) fn corruption(doing: impl Into<Cow<'static, str>>, detail: impl Into<String>) -> Self {
        Self::Corruption { doing: doing.into(), detail: detail.into() }
    }

    pub(crate) fn unknown(doing: &'static str, keyspace: &crate::Keyspace) -> Self {
        Self::UnknownKeyspace { doing: doing.into(), name: keyspace.name().to_owned() }
    }
}
