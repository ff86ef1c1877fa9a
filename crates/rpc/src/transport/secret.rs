//! The secret that all nodes of a cluster share.

use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::Sha256;
use std::fmt;
use std::sync::Arc;
use subtle::ConstantTimeEq as _;

/// The secret is too short to be one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the cluster's secret has {0} bytes; it needs at least {min}", min = ClusterSecret::BYTES_MIN)]
pub struct SecretError(pub usize);

/// The secret that all nodes of a cluster share: who has it may do everything. It never shows itself in a log.
#[derive(Clone)]
pub struct ClusterSecret(Arc<[u8]>);

impl ClusterSecret {
    /// The shortest secret that is accepted, in bytes.
    pub const BYTES_MIN: usize = 16;

    /// A secret of these bytes.
    ///
    /// # Errors
    /// There are fewer than [`ClusterSecret::BYTES_MIN`].
    pub fn new(bytes: impl AsRef<[u8]>) -> Result<ClusterSecret, SecretError> {
        let bytes = bytes.as_ref();
        if bytes.len() < ClusterSecret::BYTES_MIN {
            return Err(SecretError(bytes.len()));
        }
        Ok(ClusterSecret(bytes.into()))
    }

    /// The HMAC-SHA256 of a text.
    pub(super) fn sign(&self, text: &str) -> [u8; 32] {
        let mut mac = Hmac::<Sha256>::new_from_slice(&self.0).expect("HMAC takes keys of any length");
        mac.update(text.as_bytes());
        mac.finalize().into_bytes().into()
    }

    /// Whether a text was signed with this secret. The time that it takes says nothing about the right token.
    pub(super) fn verifies(&self, text: &str, token: &[u8]) -> bool {
        self.sign(text).ct_eq(token).into()
    }
}

impl fmt::Debug for ClusterSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ClusterSecret(..)")
    }
}

impl PartialEq for ClusterSecret {
    fn eq(&self, other: &ClusterSecret) -> bool {
        self.0.ct_eq(&other.0).into()
    }
}

impl Eq for ClusterSecret {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_short_secret_is_refused_and_a_good_one_is_never_shown() {
        assert_eq!(ClusterSecret::new("fifteen bytes.."), Err(SecretError(15)));
        let secret = ClusterSecret::new("correct horse battery").unwrap();
        assert_eq!(format!("{secret:?}"), "ClusterSecret(..)");
    }

    #[test]
    fn a_token_verifies_with_its_own_secret_and_text_only() {
        let (ours, theirs) = (ClusterSecret::new([1; 16]).unwrap(), ClusterSecret::new([2; 16]).unwrap());
        let token = ours.sign("text");
        assert!(ours.verifies("text", &token));
        assert!(!ours.verifies("texT", &token));
        assert!(!theirs.verifies("text", &token));
        assert!(!ours.verifies("text", &token[..31]));
        assert!(!ours.verifies("text", &[]));
    }
}
