//! Keys and signatures.

use super::CredentialScope;
use crate::times::format_amz_date;
use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::{Digest as _, Sha256};
use std::fmt;
use subtle::ConstantTimeEq as _;

/// The SHA-256 of nothing, which signatures of chunks and trailers contain.
const EMPTY_SHA256: &str = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

/// A key derived from a secret key for one scope. Safe to cache for the scope's day; treat it as a secret.
#[derive(Clone)]
pub struct SigningKey([u8; 32]);

impl SigningKey {
    /// Derives the key.
    pub fn derive(secret_key: &str, scope: &CredentialScope) -> SigningKey {
        let seed = format!("AWS4{secret_key}");
        let steps = [scope.date.as_str(), &scope.region, "s3", "aws4_request"];
        let first = hmac(seed.as_bytes(), steps[0].as_bytes());
        SigningKey(steps[1..].iter().fold(first, |key, step| hmac(&key, step.as_bytes())))
    }

    /// The signature of a text, in lower-case hex.
    pub fn sign(&self, text: &[u8]) -> String {
        hex::encode(hmac(&self.0, text))
    }

    /// Whether `signature` is that of `text`; takes the same time wherever they differ.
    pub(crate) fn verifies(&self, text: &[u8], signature: &str) -> bool {
        self.sign(text).as_bytes().ct_eq(signature.as_bytes()).into()
    }
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SigningKey(…)")
    }
}

/// Verifies the chain of chunk signatures of one body; each signature covers the one before it.
#[derive(Clone, Debug)]
pub struct ChunkSigner {
    key: SigningKey,
    time: u64,
    scope: CredentialScope,
    previous: String,
}

impl ChunkSigner {
    /// A chain that begins at the request's own signature; `time` is the signing time in seconds.
    pub fn new(key: SigningKey, time: u64, scope: &CredentialScope, seed: String) -> ChunkSigner {
        ChunkSigner { key, time, scope: scope.clone(), previous: seed }
    }

    /// Whether `signature` is that of the next chunk, whose data has this SHA-256; then it is the chain's
    /// newest link.
    #[must_use]
    pub fn accept_chunk(&mut self, data_sha256: [u8; 32], signature: &str) -> bool {
        let hash = hex::encode(data_sha256);
        self.accept("AWS4-HMAC-SHA256-PAYLOAD", &[EMPTY_SHA256, &hash], signature)
    }

    /// Whether `signature` is that of the trailers, whose canonical text (`name:value\n` each) is given.
    #[must_use]
    pub fn accept_trailer(&mut self, canonical: &[u8], signature: &str) -> bool {
        let hash = hex::encode(Sha256::digest(canonical));
        self.accept("AWS4-HMAC-SHA256-TRAILER", &[&hash], signature)
    }

    fn accept(&mut self, algorithm: &str, hashes: &[&str], signature: &str) -> bool {
        let mut lines = vec![self.previous.as_str()];
        lines.extend_from_slice(hashes);
        let text = string_to_sign(algorithm, self.time, &self.scope, &lines);
        let accepted = self.key.verifies(text.as_bytes(), signature);
        if accepted {
            signature.clone_into(&mut self.previous);
        }
        accepted
    }
}

/// The text that is signed: algorithm, time, scope, and what else there is, a line each.
pub(super) fn string_to_sign(algorithm: &str, time: u64, scope: &CredentialScope, lines: &[&str]) -> String {
    format!("{algorithm}\n{}\n{scope}\n{}", format_amz_date(time), lines.join("\n"))
}

fn hmac(key: &[u8], text: &[u8]) -> [u8; 32] {
    let mut mac = Hmac::<Sha256>::new_from_slice(key).expect("HMAC takes keys of any length");
    mac.update(text);
    mac.finalize().into_bytes().into()
}
