//! Signature Version 4: by `Authorization` header, by presigned query, and for chunked bodies.
//!
//! Source: S3 API reference, "Authenticating Requests (AWS Signature Version 4)".

mod authorization;
mod canonical;
mod credential;
mod date;
mod payload;
mod presigned;
mod signer;
mod signing;

pub use credential::CredentialScope;
pub use payload::{Payload, TrailerMode};
pub use signer::Signer;
pub use signing::{ChunkSigner, SigningKey};

use crate::error::{ErrorCode, S3Error};
use crate::request::query::Query;
use crate::request::target::RequestHead;
use canonical::CanonicalRequest;
use esker_types::Timestamp;

/// How far a request's time may be from the server's, in seconds.
pub const SKEW_SECONDS_MAX: u64 = 15 * 60;
/// Longest life of a presigned URL, in seconds (a week).
pub const PRESIGNED_SECONDS_MAX: u64 = 7 * 24 * 60 * 60;

/// A request that claims to be signed. Everything that needs no secret has been checked: form, scope, time,
/// and that whatever must be signed is.
#[derive(Clone, Debug)]
pub struct SignedRequest {
    access_key: String,
    scope: CredentialScope,
    signature: String,
    time: u64,
    canonical: CanonicalRequest,
    payload: payload::ClaimedPayload,
}

/// A request whose signature is right.
#[derive(Clone, Debug)]
pub struct Verified {
    /// The access key that signed it.
    pub access_key: String,
    /// What the signature says about the body.
    pub payload: Payload,
}

/// What a request carries by way of authentication, before any check.
struct Claim {
    access_key: String,
    scope: CredentialScope,
    signed_headers: Vec<String>,
    signature: String,
    time: u64,
    payload: payload::ClaimedPayload,
    /// The query parameter that is not itself signed.
    unsigned_parameter: Option<&'static str>,
}

impl SignedRequest {
    /// Parses and checks a request's signature data. `None`: the request is anonymous.
    ///
    /// `region` is the server's. To look for a bucket's region, clients sign `?location` for us-east-1, so that
    /// one is accepted too (s3-rules 35).
    ///
    /// # Errors
    /// `AuthorizationHeaderMalformed`, `AuthorizationQueryParametersError`, `AccessDenied`,
    /// `RequestTimeTooSkewed`, `InvalidRequest` for other signature versions, `InvalidArgument`.
    pub fn parse(
        head: &RequestHead<'_>,
        now: Timestamp,
        region: &str,
    ) -> Result<Option<SignedRequest>, S3Error> {
        let query = Query::parse(head.query)?;
        let by_query = presigned::is_presigned(&query);
        let by_header = head.headers.contains_key(http::header::AUTHORIZATION);
        let location = head.method == http::Method::GET && query.has("location");
        let regions: &[&str] = if location { &[region, "us-east-1"] } else { &[region] };
        let claim = match (by_header, by_query) {
            (true, true) => {
                return Err(S3Error::message(
                    ErrorCode::InvalidArgument,
                    "Only one auth mechanism allowed; only the X-Amz-Algorithm query parameter, Signature query \
                     string parameter or the Authorization header should be specified",
                ));
            }
            (true, false) => authorization::parse(head, now, regions)?,
            (false, true) => presigned::parse(head, &query, now, regions)?,
            (false, false) => {
                return if presigned::is_version_2(&query) { Err(unsupported_mechanism()) } else { Ok(None) };
            }
        };
        refuse_session_token(head, &query)?;
        canonical::require_signed(head, &claim.signed_headers)?;
        let canonical = CanonicalRequest::new(head, &query, &claim);
        Ok(Some(SignedRequest {
            access_key: claim.access_key,
            scope: claim.scope,
            signature: claim.signature,
            time: claim.time,
            canonical,
            payload: claim.payload,
        }))
    }

    /// The access key that the request names. If there is none such: `InvalidAccessKeyId` (s3-rules 34).
    pub fn access_key(&self) -> &str {
        &self.access_key
    }

    /// The scope, which together with the access key identifies a [`SigningKey`] for a cache.
    pub fn scope(&self) -> &CredentialScope {
        &self.scope
    }

    /// Verifies the signature with the access key's secret.
    ///
    /// # Errors
    /// `SignatureDoesNotMatch`, with everything that a client needs to find its mistake (s3-rules 36).
    pub fn verify(self, secret_key: &str) -> Result<Verified, S3Error> {
        let key = SigningKey::derive(secret_key, &self.scope);
        self.verify_with(&key)
    }

    /// Verifies the signature with a key derived earlier for the same access key and scope.
    ///
    /// # Errors
    /// As [`SignedRequest::verify`].
    pub fn verify_with(self, key: &SigningKey) -> Result<Verified, S3Error> {
        let string_to_sign = self.string_to_sign();
        if !key.verifies(string_to_sign.as_bytes(), &self.signature) {
            return Err(self.mismatch(&string_to_sign));
        }
        let signer = || ChunkSigner::new(key.clone(), self.time, &self.scope, self.signature.clone());
        let payload = self.payload.with_signer(signer);
        Ok(Verified { access_key: self.access_key, payload })
    }

    fn string_to_sign(&self) -> String {
        signing::string_to_sign("AWS4-HMAC-SHA256", self.time, &self.scope, &[&self.canonical.sha256_hex()])
    }

    fn mismatch(&self, string_to_sign: &str) -> S3Error {
        let canonical = self.canonical.as_bytes();
        S3Error::new(ErrorCode::SignatureDoesNotMatch)
            .with_extra("AWSAccessKeyId", self.access_key.clone())
            .with_extra("StringToSign", string_to_sign)
            .with_extra("SignatureProvided", self.signature.clone())
            .with_extra("StringToSignBytes", spaced_hex(string_to_sign.as_bytes()))
            .with_extra("CanonicalRequest", String::from_utf8_lossy(canonical))
            .with_extra("CanonicalRequestBytes", spaced_hex(canonical))
    }
}

fn spaced_hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect::<Vec<_>>().join(" ")
}

fn unsupported_mechanism() -> S3Error {
    S3Error::message(
        ErrorCode::InvalidRequest,
        "The authorization mechanism you have provided is not supported. Please use AWS4-HMAC-SHA256.",
    )
}

/// Session tokens come from STS, which does not exist here; a request that has one was meant for somebody else.
fn refuse_session_token(head: &RequestHead<'_>, query: &Query) -> Result<(), S3Error> {
    let in_header = head.headers.get("x-amz-security-token").is_some_and(|token| !token.is_empty());
    let in_query = query.get("X-Amz-Security-Token").is_some_and(|token| !token.is_empty());
    if in_header || in_query { Err(ErrorCode::InvalidToken.into()) } else { Ok(()) }
}
#[cfg(test)]
mod presigned_tests;
#[cfg(test)]
mod published_tests;
#[cfg(test)]
mod tests;
