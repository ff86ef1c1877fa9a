//! Choosing an engine by name.

use std::fmt;
use std::path::Path;
use std::str::FromStr;
use std::sync::Arc;

use crate::{Engine, FjallEngine, KvError, MemoryEngine, SledEngine, Tombstones, owner};

/// The engines that a server can be configured to use.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum EngineKind {
    /// A log-structured merge tree; the default.
    #[default]
    Fjall,
    /// A paged tree over a log. Slower, and not safe against power loss in every case; see [`SledEngine`].
    Sled,
    /// Nothing is stored. For tests.
    Memory,
}

/// A name that is not an engine's.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not a key-value engine; the engines are fjall, sled and memory")]
pub struct UnknownEngine(String);

impl FromStr for EngineKind {
    type Err = UnknownEngine;

    fn from_str(name: &str) -> Result<Self, UnknownEngine> {
        match name {
            "fjall" => Ok(Self::Fjall),
            "sled" => Ok(Self::Sled),
            "memory" => Ok(Self::Memory),
            other => Err(UnknownEngine(other.to_owned())),
        }
    }
}

impl fmt::Display for EngineKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Fjall => "fjall",
            Self::Sled => "sled",
            Self::Memory => "memory",
        })
    }
}

/// How much memory an engine may use. The defaults suit a small machine: a server that idles within 64 MiB.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Options {
    /// The cache of stored blocks, in bytes.
    pub cache_bytes: u64,
    /// Fresh writes of one keyspace that are held in memory before they are written out as a table, in bytes (fjall).
    pub memtable_bytes: u64,
    /// The same for all keyspaces together (fjall).
    pub write_buffer_bytes: u64,
}

impl Default for Options {
    fn default() -> Self {
        const MIB: u64 = 1024 * 1024;
        Self { cache_bytes: 32 * MIB, memtable_bytes: 8 * MIB, write_buffer_bytes: 16 * MIB }
    }
}

/// Opens the store in the directory `path`, creating it when it does not exist.
///
/// # Errors
/// [`KvError::OtherEngine`] when another engine made it; [`KvError::Locked`] when another process has it open;
/// [`KvError::Corruption`] when it cannot be recovered; [`KvError::Io`].
pub fn open(kind: EngineKind, path: &Path, options: &Options) -> Result<Arc<dyn Engine>, KvError> {
    if kind != EngineKind::Memory {
        owner::claim(kind, path)?;
    }
    Ok(match kind {
        EngineKind::Fjall => Arc::new(FjallEngine::open(path, options)?),
        EngineKind::Sled => Arc::new(SledEngine::open(path, options)?),
        EngineKind::Memory => Arc::new(MemoryEngine::new(Tombstones::Dropped)),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_engine_parses_from_the_name_it_prints() {
        for kind in [EngineKind::Fjall, EngineKind::Sled, EngineKind::Memory] {
            assert_eq!(kind.to_string().parse(), Ok(kind));
        }
        assert_eq!("rocksdb".parse::<EngineKind>(), Err(UnknownEngine("rocksdb".into())));
    }
}
