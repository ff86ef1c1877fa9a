//! Signs requests as the one user that servers under measurement have.

use bytes::Bytes;
use esker_env::{Clock, SystemClock};
use esker_s3::auth::{CredentialScope, SigningKey};
use esker_s3::times::format_amz_date;
use http::header::{AUTHORIZATION, CONTENT_LENGTH, HOST, HeaderName};
use http::{HeaderMap, HeaderValue, Method, Request, Uri};
use http_body_util::Full;
use sha2::{Digest as _, Sha256};
use std::net::SocketAddr;

/// The access key.
pub const ACCESS_KEY: &str = "ESKERBENCHACCESSKEY0";
/// Its secret.
pub const SECRET_KEY: &str = "esker/bench+secret/key000000000000000000";
/// The region.
pub const REGION: &str = "us-east-1";

/// A request's body, hashed once however often it is sent.
#[derive(Clone, Debug)]
pub struct Payload {
    bytes: Bytes,
    sha256: HeaderValue,
}

impl Payload {
    /// A body of these bytes.
    pub fn new(bytes: impl Into<Bytes>) -> Payload {
        let bytes = bytes.into();
        let sha256 = ascii(&hex::encode(Sha256::digest(&bytes)));
        Payload { bytes, sha256 }
    }

    /// So many bytes that no codec would find a pattern in.
    pub fn of_size(size: usize) -> Payload {
        let mut state = 0x9e37_79b9_7f4a_7c15_u64;
        let next = |_| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            state.to_be_bytes()
        };
        let mut bytes: Vec<u8> = (0..size.div_ceil(8)).flat_map(next).collect();
        bytes.truncate(size);
        Payload::new(bytes)
    }

    /// No body.
    pub fn none() -> Payload {
        Payload::new(Bytes::new())
    }

    /// A body that the signature says nothing about, and that is sent by other means.
    pub fn unsigned() -> Payload {
        Payload { bytes: Bytes::new(), sha256: HeaderValue::from_static("UNSIGNED-PAYLOAD") }
    }

    /// The same bytes under the hash of others, which a server must notice.
    #[cfg(test)]
    pub(crate) fn with_hash_of(&self, other: &Payload) -> Payload {
        Payload { bytes: self.bytes.clone(), sha256: other.sha256.clone() }
    }

    /// The bytes.
    pub fn bytes(&self) -> &Bytes {
        &self.bytes
    }

    /// Its length in bytes.
    pub fn len(&self) -> usize {
        self.bytes.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.bytes.is_empty()
    }
}

/// What is asked of a server.
#[derive(Clone, Debug)]
pub struct Call {
    /// The method.
    pub method: Method,
    /// The path, encoded.
    pub path: String,
    /// The query as it is signed: encoded, sorted, with a `=` for each parameter.
    pub query: String,
    /// Headers beyond those that signing adds, sorted by name; all are signed.
    pub headers: Vec<(&'static str, String)>,
    /// The body.
    pub body: Payload,
}

impl Call {
    /// A request without query, headers and body.
    pub fn new(method: Method, path: impl Into<String>) -> Call {
        let (query, headers) = (String::new(), Vec::new());
        Call { method, path: path.into(), query, headers, body: Payload::none() }
    }

    /// GET of an object.
    pub fn get(path: impl Into<String>) -> Call {
        Call::new(Method::GET, path)
    }

    /// PUT of an object.
    pub fn put(path: impl Into<String>, body: &Payload) -> Call {
        Call { body: body.clone(), ..Call::new(Method::PUT, path) }
    }

    /// With this query.
    #[must_use]
    pub fn query(self, query: impl Into<String>) -> Call {
        Call { query: query.into(), ..self }
    }

    /// With one more header, whose name sorts behind those that are there.
    #[must_use]
    pub fn header(mut self, name: &'static str, value: impl Into<String>) -> Call {
        self.headers.push((name, value.into()));
        self
    }
}

/// Signs for one server.
#[derive(Debug)]
pub struct Signer {
    host: String,
    clock: SystemClock,
    scope: CredentialScope,
    key: SigningKey,
}

impl Signer {
    /// For a server at this address.
    pub fn new(address: SocketAddr) -> Signer {
        let clock = SystemClock::new();
        let scope = scope(&format_amz_date(clock.now().seconds()));
        let key = SigningKey::derive(SECRET_KEY, &scope);
        Signer { host: address.to_string(), clock, scope, key }
    }

    /// The request, signed now.
    pub fn sign(&mut self, call: &Call) -> Request<Full<Bytes>> {
        let date = format_amz_date(self.clock.now().seconds());
        if !date.starts_with(&self.scope.date) {
            self.scope = scope(&date);
            self.key = SigningKey::derive(SECRET_KEY, &self.scope);
        }
        let hash = call.body.sha256.to_str().unwrap_or_default();
        let mut signed: Vec<(&str, &str)> =
            call.headers.iter().map(|(name, value)| (*name, value.as_str())).collect();
        signed.extend([("host", self.host.as_str()), ("x-amz-content-sha256", hash), ("x-amz-date", &date)]);
        signed.sort_unstable();
        let authorization = self.authorization(call, &date, hash, &signed);
        let mut headers = HeaderMap::with_capacity(signed.len() + 2);
        for (name, value) in &call.headers {
            headers.insert(HeaderName::from_static(name), ascii(value));
        }
        if call.method == Method::PUT || call.method == Method::POST {
            // Of an empty body hyper would say nothing.
            headers.insert(CONTENT_LENGTH, HeaderValue::from(call.body.len()));
        }
        headers.insert(HOST, ascii(&self.host));
        headers.insert("x-amz-content-sha256", call.body.sha256.clone());
        headers.insert("x-amz-date", ascii(&date));
        headers.insert(AUTHORIZATION, ascii(&authorization));
        let mut request = Request::new(Full::new(call.body.bytes.clone()));
        *request.method_mut() = call.method.clone();
        *request.uri_mut() = target(call);
        *request.headers_mut() = headers;
        request
    }

    fn authorization(&self, call: &Call, date: &str, hash: &str, signed: &[(&str, &str)]) -> String {
        let names: Vec<&str> = signed.iter().map(|(name, _)| *name).collect();
        let names = names.join(";");
        let mut canonical = format!("{}\n{}\n{}\n", call.method, call.path, call.query);
        for (name, value) in signed {
            canonical.extend([name, ":", value, "\n"]);
        }
        canonical.extend(["\n", &names, "\n", hash]);
        let scope = &self.scope;
        let canonical = hex::encode(Sha256::digest(canonical));
        let signature = self.key.sign(format!("AWS4-HMAC-SHA256\n{date}\n{scope}\n{canonical}").as_bytes());
        format!(
            "AWS4-HMAC-SHA256 Credential={ACCESS_KEY}/{scope}, SignedHeaders={names}, Signature={signature}"
        )
    }
}

fn scope(date: &str) -> CredentialScope {
    CredentialScope { date: date.chars().take(8).collect(), region: REGION.to_owned() }
}

fn target(call: &Call) -> Uri {
    let text = match call.query.as_str() {
        "" => call.path.clone(),
        query => format!("{}?{query}", call.path),
    };
    Uri::try_from(text).expect("paths and queries of measurements are encoded")
}

fn ascii(text: &str) -> HeaderValue {
    HeaderValue::from_str(text).expect("headers of measurements are ASCII")
}

#[cfg(test)]
mod tests {
    use super::*;
    use esker_s3::auth::SignedRequest;
    use esker_s3::request::RequestHead;

    #[test]
    fn the_product_accepts_what_is_signed_here() {
        let call = Call::put("/bucket/key", &Payload::of_size(10))
            .query("versionId=null")
            .header("if-none-match", "*")
            .header("x-amz-meta-a", "b");
        let request = Signer::new("127.0.0.1:9000".parse().unwrap()).sign(&call);
        let head = RequestHead::new(request.method(), request.uri(), request.headers());
        let signed = SignedRequest::parse(&head, SystemClock::new().now(), REGION).unwrap().unwrap();
        assert_eq!(signed.access_key(), ACCESS_KEY);
        signed.verify(SECRET_KEY).unwrap();
    }

    #[test]
    fn a_body_has_the_size_that_was_asked_for() {
        assert_eq!([0, 1, 8, 4097].map(|size| Payload::of_size(size).len()), [0, 1, 8, 4097]);
    }
}
