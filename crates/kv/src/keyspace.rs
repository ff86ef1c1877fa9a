//! A handle to one ordered map inside an engine.

use std::sync::Arc;

use crate::KvError;

/// A cheap handle to one keyspace, got from [`Engine::open_keyspace`](crate::Engine::open_keyspace).
///
/// A handle does not keep its keyspace alive: once the keyspace is dropped, the handle answers
/// [`KvError::UnknownKeyspace`], also after a keyspace of the same name was created anew.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Keyspace {
    // The id is first so that comparing and hashing handles rarely reads the name.
    id: u64,
    name: Arc<str>,
}

impl Keyspace {
    /// The longest keyspace name, in bytes.
    pub const NAME_BYTES_MAX: usize = 128;

    pub(crate) fn new(id: u64, name: impl Into<Arc<str>>) -> Self {
        Self { id, name: name.into() }
    }

    /// The name the keyspace was opened by.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The engine's own number for the keyspace; never reused while the engine is open.
    pub(crate) fn id(&self) -> u64 {
        self.id
    }
}

/// Accepts the names that every engine can store, so that a name never works on one engine only.
pub(crate) fn check_name(name: &str) -> Result<(), KvError> {
    let allowed = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'_' | b'-');
    if name.is_empty() || name.len() > Keyspace::NAME_BYTES_MAX || !name.bytes().all(allowed) {
        return Err(KvError::InvalidName { name: name.to_owned() });
    }
    Ok(())
}
