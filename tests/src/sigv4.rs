//! Signature version 4, written once more, from Amazon's description and not from the product's code.
//!
//! Source: S3 API reference, "Authenticating Requests (AWS Signature Version 4)". Checked against the
//! examples of that page.

use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::Sha256;
use time::OffsetDateTime;
use time::macros::format_description;

use crate::digest::sha256_hex;
use crate::request::{Request, encode};
use crate::server::{ACCESS_KEY, REGION, SECRET_KEY};
use crate::serves::Serves;

/// The payload hash of a body that is signed chunk by chunk.
pub const STREAMING: &str = "STREAMING-AWS4-HMAC-SHA256-PAYLOAD";
/// The payload hash of a chunked body whose trailer is not signed.
pub const STREAMING_UNSIGNED_TRAILER: &str = "STREAMING-UNSIGNED-PAYLOAD-TRAILER";
/// The payload hash of a body that is not signed.
pub const UNSIGNED: &str = "UNSIGNED-PAYLOAD";

/// Signs requests as one user, in one region, at one time.
#[derive(Clone)]
pub struct Signer {
    /// Access key.
    pub access_key: String,
    /// Secret key.
    pub secret_key: String,
    /// Region of the scope.
    pub region: String,
    /// Value of the host header.
    pub host: String,
    /// When the request claims to be made.
    pub time: OffsetDateTime,
}

impl Signer {
    /// The root user of a server, now.
    pub fn root(server: &impl Serves) -> Signer {
        Signer::root_at(server.s3())
    }

    /// The root user of whoever serves S3 at an address, now.
    pub fn root_at(address: std::net::SocketAddr) -> Signer {
        Signer {
            access_key: ACCESS_KEY.to_owned(),
            secret_key: SECRET_KEY.to_owned(),
            region: REGION.to_owned(),
            host: address.to_string(),
            time: OffsetDateTime::now_utc(),
        }
    }

    /// Signs by header: all headers of the request, and the hash of its body unless it carries
    /// `x-amz-content-sha256` already.
    pub fn sign(&self, request: Request) -> Request {
        let payload = match request.header_value("x-amz-content-sha256") {
            Some(payload) => payload.to_owned(),
            None => sha256_hex(&request.body),
        };
        let request = request
            .header("host", &self.host)
            .header("x-amz-date", &self.date_time())
            .header("x-amz-content-sha256", &payload);
        let names = signed_headers(&request);
        let signature = self.signature(&self.string_to_sign(&canonical_request(&request, &names, &payload)));
        let credential = format!("{}/{}", self.access_key, self.scope());
        let signed = names.join(";");
        request.header(
            "authorization",
            &format!(
                "AWS4-HMAC-SHA256 Credential={credential}, SignedHeaders={signed}, Signature={signature}"
            ),
        )
    }

    /// Signs by query parameters, for `seconds`, a number or what a test puts in its place.
    pub fn presign(&self, request: Request, seconds: &str) -> Request {
        let mut request = request
            .header("host", &self.host)
            .query("X-Amz-Algorithm", "AWS4-HMAC-SHA256")
            .query("X-Amz-Credential", &format!("{}/{}", self.access_key, self.scope()))
            .query("X-Amz-Date", &self.date_time())
            .query("X-Amz-Expires", seconds);
        let names = signed_headers(&request);
        request = request.query("X-Amz-SignedHeaders", &names.join(";"));
        let canonical = canonical_request(&request, &names, UNSIGNED);
        let signature = self.signature(&self.string_to_sign(&canonical));
        request.query("X-Amz-Signature", &signature)
    }

    /// Signs a body chunk by chunk, and the request with the seed signature. Returns the request with its
    /// `aws-chunked` body: every chunk of at most `chunk_bytes`, then the empty one.
    pub fn sign_chunked(&self, request: Request, chunk_bytes: usize) -> Request {
        let body = request.body.clone();
        let request = self.sign(
            request
                .body(Vec::new())
                .header("content-encoding", "aws-chunked")
                .header("x-amz-decoded-content-length", &body.len().to_string())
                .header("x-amz-content-sha256", STREAMING),
        );
        let authorization = request.header_value("authorization").unwrap_or_default();
        let mut previous = authorization.rsplit('=').next().unwrap_or_default().to_owned();
        let mut encoded = Vec::new();
        for chunk in body.chunks(chunk_bytes).chain([&[][..]]) {
            let text = format!(
                "AWS4-HMAC-SHA256-PAYLOAD\n{}\n{}\n{previous}\n{}\n{}",
                self.date_time(),
                self.scope(),
                sha256_hex(b""),
                sha256_hex(chunk)
            );
            previous = self.signature(&text);
            encoded.extend(format!("{:x};chunk-signature={previous}\r\n", chunk.len()).into_bytes());
            encoded.extend_from_slice(chunk);
            encoded.extend_from_slice(b"\r\n");
        }
        request.body(encoded)
    }

    fn date_time(&self) -> String {
        let format = format_description!("[year][month][day]T[hour][minute][second]Z");
        self.time.format(&format).expect("the format fits every time")
    }

    fn date(&self) -> String {
        self.date_time()[..8].to_owned()
    }

    fn scope(&self) -> String {
        format!("{}/{}/s3/aws4_request", self.date(), self.region)
    }

    fn string_to_sign(&self, canonical: &str) -> String {
        let hash = sha256_hex(canonical.as_bytes());
        format!("AWS4-HMAC-SHA256\n{}\n{}\n{hash}", self.date_time(), self.scope())
    }

    fn signature(&self, text: &str) -> String {
        let mut key = format!("AWS4{}", self.secret_key).into_bytes();
        for part in [self.date().as_str(), &self.region, "s3", "aws4_request"] {
            key = hmac(&key, part);
        }
        hex::encode(hmac(&key, text))
    }
}

fn hmac(key: &[u8], text: &str) -> Vec<u8> {
    let mut mac = Hmac::<Sha256>::new_from_slice(key).expect("HMAC takes keys of any length");
    mac.update(text.as_bytes());
    mac.finalize().into_bytes().to_vec()
}

fn signed_headers(request: &Request) -> Vec<String> {
    let mut names: Vec<String> = request.headers.iter().map(|(name, _)| name.clone()).collect();
    names.sort();
    names
}

fn canonical_request(request: &Request, names: &[String], payload: &str) -> String {
    let mut query: Vec<(String, String)> = request
        .query
        .iter()
        .map(|(name, value)| (encode(name), encode(value.as_deref().unwrap_or_default())))
        .collect();
    query.sort();
    let query: Vec<String> = query.into_iter().map(|(name, value)| format!("{name}={value}")).collect();
    let headers: String = names
        .iter()
        .map(|name| format!("{name}:{}\n", request.header_value(name).unwrap_or_default().trim()))
        .collect();
    [&request.method, &request.path, &query.join("&"), &headers, &names.join(";"), payload].join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;
    use time::macros::datetime;

    fn amazons_example() -> Signer {
        Signer {
            access_key: "AKIAIOSFODNN7EXAMPLE".to_owned(),
            secret_key: "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY".to_owned(),
            region: "us-east-1".to_owned(),
            host: "examplebucket.s3.amazonaws.com".to_owned(),
            time: datetime!(2013-05-24 0:00 UTC),
        }
    }

    #[test]
    fn header_signature_of_amazons_get_example() {
        let request = amazons_example().sign(Request::new("GET", "/test.txt").header("range", "bytes=0-9"));
        let expected = "f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41";
        assert!(request.header_value("authorization").expect("signed").ends_with(expected));
    }

    #[test]
    fn query_signature_of_amazons_presign_example() {
        let request = amazons_example().presign(Request::new("GET", "/test.txt"), "86400");
        let expected = "aeeed9bbccd4d02ee5c0109b86d86835f995330da4c265957d157751f604d404";
        assert!(request.query_text().ends_with(expected), "{}", request.query_text());
    }

    #[test]
    fn chunk_signatures_of_amazons_upload_example() {
        let signer = Signer { host: "s3.amazonaws.com".to_owned(), ..amazons_example() };
        let request = Request::new("PUT", "/examplebucket/chunkObject.txt")
            .header("x-amz-storage-class", "REDUCED_REDUNDANCY")
            .header("content-length", "66824")
            .body(vec![b'a'; 66560]);
        let text = String::from_utf8(signer.sign_chunked(request, 65536).body).expect("ASCII");
        for expected in [
            "10000;chunk-signature=ad80c730a21e5b8d04586a2213dd63b9a0e99e0e2307b0ade35a65485a288648\r\n",
            "400;chunk-signature=0055627c9e194cb4542bae2aa5492e3c1575bbb81b612b7d234b86a503ef5497\r\n",
            "0;chunk-signature=b6c6ea8a5354eaf15b3cb7646744f4275b71ea724fed81ceb9323e279d449df9\r\n",
        ] {
            assert!(text.contains(expected), "{expected}");
        }
    }
}
