//! Who signed a request.

use crate::cache::Generations;
use esker_s3::auth::{CredentialScope, Payload, SignedRequest, SigningKey};
use esker_s3::request::RequestHead;
use esker_s3::{ErrorCode, S3Error};
use esker_types::Timestamp;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

/// Most derived keys that are kept: one for each access key and day.
const SIGNING_KEYS_MAX: usize = 4096;

/// A secret access key. Its text appears in no log.
#[derive(Clone, PartialEq, Eq)]
pub struct SecretKey(String);

impl SecretKey {
    /// The key with this text.
    pub fn new(text: impl Into<String>) -> SecretKey {
        SecretKey(text.into())
    }
}

impl fmt::Debug for SecretKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SecretKey(…)")
    }
}

/// What an access key stands for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Credential {
    /// The secret that signs.
    pub secret: SecretKey,
    /// The account that it acts for.
    pub account: String,
}

/// The access keys that are known.
pub trait Credentials: Send + Sync + 'static {
    /// What an access key stands for; `None` if it is unknown. Called for every request, so it must not wait.
    fn lookup(&self, access_key: &str) -> Option<Credential>;
}

/// One access key, which may do everything.
#[derive(Clone, Debug)]
pub struct RootCredentials {
    access_key: String,
    credential: Credential,
}

impl RootCredentials {
    /// The account that the root key acts for.
    pub const ACCOUNT: &'static str = "root";

    /// The root key.
    pub fn new(access_key: impl Into<String>, secret: SecretKey) -> RootCredentials {
        let credential = Credential { secret, account: RootCredentials::ACCOUNT.to_owned() };
        RootCredentials { access_key: access_key.into(), credential }
    }
}

impl Credentials for RootCredentials {
    fn lookup(&self, access_key: &str) -> Option<Credential> {
        (access_key == self.access_key).then(|| self.credential.clone())
    }
}

/// A request whose signature was verified.
pub(crate) struct Authenticated {
    /// The account that signed it.
    pub(crate) account: String,
    /// What the signature says about the body.
    pub(crate) payload: Payload,
}

/// A derived key is only good for the secret that it was derived from.
type CachedKey = (SecretKey, SigningKey);

/// Verifies signatures.
pub(crate) struct Authenticator {
    credentials: Arc<dyn Credentials>,
    region: String,
    keys: Mutex<Generations<(String, CredentialScope), CachedKey>>,
}

impl Authenticator {
    pub(crate) fn new(credentials: Arc<dyn Credentials>, region: String) -> Authenticator {
        Authenticator { credentials, region, keys: Mutex::new(Generations::new(SIGNING_KEYS_MAX)) }
    }

    /// Verifies a request's signature.
    ///
    /// # Errors
    /// `AccessDenied` for an anonymous request, `InvalidAccessKeyId`, and what `SignedRequest` says (s3-rules 34–36).
    pub(crate) fn authenticate(
        &self,
        head: &RequestHead<'_>,
        now: Timestamp,
    ) -> Result<Authenticated, S3Error> {
        let signed =
            SignedRequest::parse(head, now, &self.region)?.ok_or(S3Error::new(ErrorCode::AccessDenied))?;
        let access_key = signed.access_key().to_owned();
        let Some(credential) = self.credentials.lookup(&access_key) else {
            return Err(S3Error::new(ErrorCode::InvalidAccessKeyId).with_extra("AWSAccessKeyId", access_key));
        };
        let (key, cached) = self.signing_key(&access_key, &credential.secret, signed.scope());
        let scope = signed.scope().clone();
        let verified = signed.verify_with(&key)?;
        if cached == Cached::No {
            // Only now: a key derived for a scope that nobody signed for would let strangers fill the cache.
            self.keys
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .insert((access_key, scope), (credential.secret.clone(), key));
        }
        Ok(Authenticated { account: credential.account, payload: verified.payload })
    }

    fn signing_key(
        &self,
        access_key: &str,
        secret: &SecretKey,
        scope: &CredentialScope,
    ) -> (SigningKey, Cached) {
        let entry = (access_key.to_owned(), scope.clone());
        let cached = self.keys.lock().unwrap_or_else(PoisonError::into_inner).get(&entry);
        match cached {
            Some((derived_from, key)) if derived_from == *secret => (key, Cached::Yes),
            _ => (SigningKey::derive(&secret.0, scope), Cached::No),
        }
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Cached {
    Yes,
    No,
}
