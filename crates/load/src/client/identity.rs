//! Who sends requests, and the signatures that prove it.

use super::call::Call;
use super::endpoint::Endpoint;
use esker_s3::auth::Signer;
use esker_s3::request::RequestHead;
use esker_s3::times::format_amz_date;
use esker_types::Timestamp;
use http::header::{AUTHORIZATION, CONTENT_LENGTH, HOST};
use http::{HeaderName, HeaderValue, Method, Request};

/// Whether bodies are signed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PayloadHash {
    /// `UNSIGNED-PAYLOAD`: the signature says nothing of the body, and the harness need not hash it.
    Unsigned,
    /// Each body is hashed before it is sent, which costs the harness about as much as it costs the server.
    Sha256,
}

/// An access key, the region that it signs for, and the key of the day.
#[derive(Clone, Debug)]
pub struct Identity {
    access_key: String,
    secret_key: String,
    region: String,
    hash: PayloadHash,
    /// Derived anew each day.
    signer: Option<Signer>,
}

const DATE: HeaderName = HeaderName::from_static("x-amz-date");
const CONTENT: HeaderName = HeaderName::from_static("x-amz-content-sha256");
const UNSIGNED: &str = "UNSIGNED-PAYLOAD";
const EMPTY_SHA256: &str = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

impl Identity {
    /// An identity.
    pub fn new(access_key: &str, secret_key: &str, region: &str, hash: PayloadHash) -> Identity {
        let [access_key, secret_key, region] = [access_key, secret_key, region].map(str::to_owned);
        Identity { access_key, secret_key, region, hash, signer: None }
    }

    /// The signed request for a call. `None`: the call makes no request that HTTP allows.
    pub(super) fn sign(
        &mut self,
        call: &Call,
        endpoint: &Endpoint,
        now: Timestamp,
    ) -> Option<Request<super::Payload>> {
        let signer = match self.signer.take() {
            Some(signer) if signer.is_of(now) => signer,
            _ => Signer::new(&self.access_key, &self.secret_key, &self.region, now),
        };
        let hash = match self.hash {
            _ if call.payload.is_empty() => EMPTY_SHA256.to_owned(),
            PayloadHash::Unsigned => UNSIGNED.to_owned(),
            PayloadHash::Sha256 => call.payload.sha256(),
        };
        let mut request = Request::new(call.payload.clone());
        *request.method_mut() = call.method.clone();
        *request.uri_mut() = call.target.parse().ok()?;
        let headers = request.headers_mut();
        headers.extend(call.headers.iter().cloned());
        headers.insert(HOST, HeaderValue::from_str(&endpoint.authority).ok()?);
        headers.insert(DATE, HeaderValue::from_str(&format_amz_date(now.seconds())).ok()?);
        headers.insert(CONTENT, HeaderValue::from_str(&hash).ok()?);
        let head = RequestHead::new(request.method(), request.uri(), request.headers());
        let authorization = signer.authorization(&head, now, &hash).ok()?;
        self.signer = Some(signer);
        let headers = request.headers_mut();
        headers.insert(AUTHORIZATION, HeaderValue::from_str(&authorization).ok()?);
        // HTTP may leave out the length of an empty body; S3 demands it.
        if call.method != Method::GET && call.method != Method::HEAD {
            headers.insert(CONTENT_LENGTH, HeaderValue::from(call.payload.len()));
        }
        Some(request)
    }
}

impl std::fmt::Display for PayloadHash {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            PayloadHash::Unsigned => "unsigned",
            PayloadHash::Sha256 => "signed",
        })
    }
}
