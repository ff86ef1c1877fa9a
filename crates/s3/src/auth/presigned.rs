//! Signatures in the query: presigned URLs.

use super::credential::Place;
use super::payload::ClaimedPayload;
use super::{Claim, date, unsupported_mechanism};
use crate::error::{ErrorCode, S3Error};
use crate::request::query::Query;
use crate::request::target::RequestHead;
use crate::times::parse_amz_date;
use esker_types::Timestamp;

/// The parameters that a presigned URL must have.
const REQUIRED: [&str; 6] = [
    "X-Amz-Algorithm",
    "X-Amz-Credential",
    "X-Amz-Signature",
    "X-Amz-Date",
    "X-Amz-SignedHeaders",
    "X-Amz-Expires",
];

/// Whether the query claims to carry a signature.
pub(super) fn is_presigned(query: &Query) -> bool {
    ["X-Amz-Algorithm", "X-Amz-Signature", "X-Amz-Credential"].iter().any(|name| query.has(name))
}

/// Whether the query carries a signature of version 2.
pub(super) fn is_version_2(query: &Query) -> bool {
    query.has("AWSAccessKeyId") && query.has("Signature")
}

/// Parses the query's signature parameters.
pub(super) fn parse(
    head: &RequestHead<'_>,
    query: &Query,
    now: Timestamp,
    regions: &[&str],
) -> Result<Claim, S3Error> {
    let error =
        |message: &'static str| S3Error::message(ErrorCode::AuthorizationQueryParametersError, message);
    if REQUIRED.iter().any(|name| query.count(name) != 1) {
        return Err(error(
            "Query-string authentication version 4 requires the X-Amz-Algorithm, X-Amz-Credential, \
             X-Amz-Signature, X-Amz-Date, X-Amz-SignedHeaders, and X-Amz-Expires parameters.",
        ));
    }
    let parameter = |name: &str| query.get(name).unwrap_or_default();
    match parameter("X-Amz-Algorithm") {
        "AWS4-HMAC-SHA256" => {}
        "AWS4-ECDSA-P256-SHA256" => return Err(unsupported_mechanism()),
        _ => return Err(error("X-Amz-Algorithm only supports \"AWS4-HMAC-SHA256\"")),
    }
    let (access_key, scope) = Place::Query.parse_credential(parameter("X-Amz-Credential"))?;
    let time = parse_amz_date(parameter("X-Amz-Date"))
        .ok_or_else(|| error("X-Amz-Date must be in the ISO8601 Long Format \"yyyyMMdd'T'HHmmss'Z'\""))?;
    let expires = date::parse_expires(parameter("X-Amz-Expires"))?;
    Place::Query.check_scope(&scope, time, regions)?;
    date::check_expiry(time, expires, now)?;
    let in_header = head.headers.get("x-amz-content-sha256").and_then(|value| value.to_str().ok());
    let hash = query.get("X-Amz-Content-Sha256").or(in_header).unwrap_or("UNSIGNED-PAYLOAD");
    Ok(Claim {
        access_key,
        scope,
        signed_headers: parameter("X-Amz-SignedHeaders").split(';').map(str::to_owned).collect(),
        signature: parameter("X-Amz-Signature").to_owned(),
        time,
        payload: ClaimedPayload::parse(hash)?,
        unsigned_parameter: Some("X-Amz-Signature"),
    })
}
