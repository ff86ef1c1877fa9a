//! Object keys.

use crate::limits::KEY_BYTES_MAX;
use std::fmt;

/// An object key: 1 to 1024 bytes of UTF-8, any characters. Ordered by bytes, as lists are.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ObjectKey(String);

/// Why a text is not an object key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidObjectKey {
    /// A key has at least one byte.
    #[error("the key is empty")]
    Empty,
    /// A key has at most [`KEY_BYTES_MAX`] bytes.
    #[error("the key is longer than 1024 bytes")]
    TooLong,
}

impl ObjectKey {
    /// Checks a key's length.
    pub fn parse(text: impl Into<String>) -> Result<ObjectKey, InvalidObjectKey> {
        let text = text.into();
        match text.len() {
            0 => Err(InvalidObjectKey::Empty),
            1..=KEY_BYTES_MAX => Ok(ObjectKey(text)),
            _ => Err(InvalidObjectKey::TooLong),
        }
    }

    /// The key as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The key's bytes, which define its order.
    pub fn as_bytes(&self) -> &[u8] {
        self.0.as_bytes()
    }
}

impl fmt::Display for ObjectKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for ObjectKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", self.0)
    }
}
