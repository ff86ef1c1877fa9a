//! Signatures in the `Authorization` header.

use super::credential::Place;
use super::payload::ClaimedPayload;
use super::{Claim, date, unsupported_mechanism};
use crate::error::{ErrorCode, S3Error};
use crate::request::target::RequestHead;
use esker_types::Timestamp;

const ALGORITHM: &str = "AWS4-HMAC-SHA256";

/// Parses `AWS4-HMAC-SHA256 Credential=…, SignedHeaders=…, Signature=…`.
pub(super) fn parse(head: &RequestHead<'_>, now: Timestamp, regions: &[&str]) -> Result<Claim, S3Error> {
    let place = Place::Header;
    let value = head.headers.get(http::header::AUTHORIZATION).and_then(|value| value.to_str().ok());
    let value = value.ok_or_else(|| place.malformed("it is not ASCII text."))?.trim();
    let (scheme, fields) = value.split_once(' ').unwrap_or((value, ""));
    match scheme {
        ALGORITHM => {}
        // Version 2, and version 4a, which signs with elliptic curves.
        "AWS" | "AWS4-ECDSA-P256-SHA256" => return Err(unsupported_mechanism()),
        other => {
            return Err(S3Error::invalid_argument("Authorization", other, "Unsupported Authorization Type"));
        }
    }
    let field = |name: &str| {
        let missing = || place.malformed(&format!("missing {name}."));
        let mut values =
            fields.split(',').filter_map(|field| field.trim().strip_prefix(name)?.strip_prefix('='));
        values.next().filter(|value| !value.is_empty()).ok_or_else(missing)
    };
    let (access_key, scope) = place.parse_credential(field("Credential")?)?;
    let signed_headers = field("SignedHeaders")?.split(';').map(str::to_owned).collect();
    let signature = field("Signature")?.to_owned();
    let time = date::of_header(head)?;
    place.check_scope(&scope, time, regions)?;
    date::check_skew(time, now)?;
    let hash = head.headers.get("x-amz-content-sha256").ok_or_else(|| {
        let message = "Missing required header for this request: x-amz-content-sha256";
        S3Error::message(ErrorCode::InvalidRequest, message)
    })?;
    let payload = ClaimedPayload::parse(hash.to_str().unwrap_or_default())?;
    Ok(Claim { access_key, scope, signed_headers, signature, time, payload, unsigned_parameter: None })
}
