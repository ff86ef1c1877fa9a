//! The canonical request: what a signature is computed over.

use super::Claim;
use crate::encoding::{Plus, decode_bytes, encode_path_bytes};
use crate::error::{ErrorCode, S3Error};
use crate::request::query::Query;
use crate::request::target::RequestHead;
use sha2::{Digest as _, Sha256};

/// The bytes of a canonical request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct CanonicalRequest(Vec<u8>);

impl CanonicalRequest {
    /// Builds it as S3 does: the path encoded once and never normalised, all query parameters, the signed
    /// headers in the order that the client lists them.
    pub(super) fn new(head: &RequestHead<'_>, query: &Query, claim: &Claim) -> CanonicalRequest {
        let mut bytes = Vec::with_capacity(512);
        for line in
            [head.method.as_str(), &canonical_path(head.path), &query.canonical(claim.unsigned_parameter)]
        {
            bytes.extend_from_slice(line.as_bytes());
            bytes.push(b'\n');
        }
        for name in &claim.signed_headers {
            bytes.extend_from_slice(name.as_bytes());
            bytes.push(b':');
            push_values(&mut bytes, head, name);
            bytes.push(b'\n');
        }
        bytes.push(b'\n');
        bytes.extend_from_slice(claim.signed_headers.join(";").as_bytes());
        bytes.push(b'\n');
        bytes.extend_from_slice(claim.payload.text.as_bytes());
        CanonicalRequest(bytes)
    }

    pub(super) fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    pub(super) fn sha256_hex(&self) -> String {
        hex::encode(Sha256::digest(&self.0))
    }
}

/// Decoded and encoded again, since clients disagree about which characters need encoding on the wire. A path
/// that cannot be decoded stays as it is; it is refused when it is resolved.
fn canonical_path(raw: &str) -> String {
    match decode_bytes(raw, Plus::Literal) {
        Ok(path) if !path.is_empty() => encode_path_bytes(&path),
        Ok(_) => "/".to_owned(),
        Err(_) => raw.to_owned(),
    }
}

/// A header's values joined with `,`; each trimmed, runs of white space made one space.
fn push_values(bytes: &mut Vec<u8>, head: &RequestHead<'_>, name: &str) {
    if name == "host" {
        bytes.extend_from_slice(head.host.as_bytes());
        return;
    }
    for (index, value) in head.headers.get_all(name).iter().enumerate() {
        if index > 0 {
            bytes.push(b',');
        }
        let words =
            value.as_bytes().split(|byte| matches!(byte, b' ' | b'\t')).filter(|word| !word.is_empty());
        for (index, word) in words.enumerate() {
            if index > 0 {
                bytes.push(b' ');
            }
            bytes.extend_from_slice(word);
        }
    }
}

/// The host and every `x-amz-` header must be signed, or a man in the middle could add what changes the
/// request's meaning. Only the payload hash need not: it ends the canonical request anyway.
pub(super) fn require_signed(head: &RequestHead<'_>, signed: &[String]) -> Result<(), S3Error> {
    let is_signed = |name: &str| signed.iter().any(|s| s == name);
    let amz = head
        .headers
        .keys()
        .map(http::HeaderName::as_str)
        .filter(|name| name.starts_with("x-amz-") && *name != "x-amz-content-sha256");
    let mut unsigned: Vec<&str> = amz.chain(["host"]).filter(|name| !is_signed(name)).collect();
    if unsigned.is_empty() {
        return Ok(());
    }
    unsigned.sort_unstable();
    let message = "There were headers present in the request which were not signed";
    Err(S3Error::message(ErrorCode::AccessDenied, message)
        .with_extra("HeadersNotSigned", unsigned.join(", ")))
}
