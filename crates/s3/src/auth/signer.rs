//! Signing, as a client does it: the same canonical request that [`SignedRequest`](super::SignedRequest) verifies.

use super::canonical::CanonicalRequest;
use super::payload::ClaimedPayload;
use super::signing::{SigningKey, string_to_sign};
use super::{Claim, CredentialScope};
use crate::error::S3Error;
use crate::request::query::Query;
use crate::request::target::RequestHead;
use crate::times::format_amz_date;
use esker_types::Timestamp;

/// Signs requests by header for one access key, one region, and the day that it was made for.
#[derive(Clone, Debug)]
pub struct Signer {
    access_key: String,
    scope: CredentialScope,
    key: SigningKey,
}

impl Signer {
    /// Derives the key of the day that `now` is in.
    pub fn new(access_key: &str, secret_key: &str, region: &str, now: Timestamp) -> Signer {
        let scope = CredentialScope { date: date(now), region: region.to_owned() };
        let key = SigningKey::derive(secret_key, &scope);
        Signer { access_key: access_key.to_owned(), scope, key }
    }

    /// Whether it is still the day that the key was derived for.
    pub fn is_of(&self, now: Timestamp) -> bool {
        self.scope.date == date(now)
    }

    /// The value of the `Authorization` header of a request made at `now`; all headers of `head` are signed. Among
    /// them must be the host, `x-amz-date` for the same time, and `x-amz-content-sha256`, which is `payload`.
    ///
    /// # Errors
    /// `InvalidURI` for a query that can't be decoded, `InvalidArgument` for a payload that is no hash.
    pub fn authorization(
        &self,
        head: &RequestHead<'_>,
        now: Timestamp,
        payload: &str,
    ) -> Result<String, S3Error> {
        let mut signed_headers: Vec<String> =
            head.headers.keys().map(|name| name.as_str().to_owned()).collect();
        signed_headers.sort_unstable();
        let claim = Claim {
            access_key: String::new(),
            scope: self.scope.clone(),
            signed_headers,
            signature: String::new(),
            time: now.seconds(),
            payload: ClaimedPayload::parse(payload)?,
            unsigned_parameter: None,
        };
        let canonical = CanonicalRequest::new(head, &Query::parse(head.query)?, &claim);
        let text = string_to_sign("AWS4-HMAC-SHA256", claim.time, &self.scope, &[&canonical.sha256_hex()]);
        Ok(format!(
            "AWS4-HMAC-SHA256 Credential={}/{}, SignedHeaders={}, Signature={}",
            self.access_key,
            self.scope,
            claim.signed_headers.join(";"),
            self.key.sign(text.as_bytes())
        ))
    }
}

fn date(now: Timestamp) -> String {
    let mut date = format_amz_date(now.seconds());
    date.truncate(8);
    date
}

#[cfg(test)]
mod tests {
    use super::super::SignedRequest;
    use super::*;
    use http::{HeaderMap, HeaderName, HeaderValue, Method, Uri};
    use proptest::prelude::*;

    fn headers(pairs: &[(&str, &str)]) -> HeaderMap {
        let header = |(name, value): &(&str, &str)| {
            (
                HeaderName::from_bytes(name.as_bytes()).expect("a name"),
                HeaderValue::from_str(value).expect("a value"),
            )
        };
        pairs.iter().map(header).collect()
    }

    // "Authenticating Requests: Using the Authorization Header", GET Object.
    #[test]
    fn amazons_example_has_amazons_signature() {
        let now = Timestamp(1_369_353_600_000_000);
        let payload = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
        let headers = headers(&[
            ("host", "examplebucket.s3.amazonaws.com"),
            ("range", "bytes=0-9"),
            ("x-amz-content-sha256", payload),
            ("x-amz-date", "20130524T000000Z"),
        ]);
        let uri = Uri::from_static("/test.txt");
        let head = RequestHead::new(&Method::GET, &uri, &headers);
        let signer =
            Signer::new("AKIAIOSFODNN7EXAMPLE", "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY", "us-east-1", now);
        let signed = signer.authorization(&head, now, payload).expect("signed");
        let expected = "f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41";
        assert!(signed.ends_with(expected), "{signed}");
    }

    #[test]
    fn a_key_is_good_for_its_day() {
        let midnight = Timestamp(1_369_353_600_000_000);
        let signer = Signer::new("a", "s", "eu-west-1", midnight);
        assert!(signer.is_of(Timestamp(midnight.0 + 86_399_999_999)));
        assert!(!signer.is_of(Timestamp(midnight.0 + 86_400_000_000)));
    }

    proptest! {
        #[test]
        fn what_is_signed_here_is_verified_there(
            key in "[a-zA-Z0-9 +/%é~]{1,30}",
            value in "[a-z &=+/]{0,10}",
            seconds in 1_000_000_000u64..2_000_000_000,
        ) {
            let now = Timestamp(seconds * 1_000_000);
            let path = crate::encoding::encode_path(&key);
            let query = crate::encoding::encode(&value);
            let uri: Uri = format!("/bucket/{path}?versionId={query}&uploads").parse().expect("a target");
            let mut headers = headers(&[
                ("host", "localhost:9000"),
                ("x-amz-content-sha256", "UNSIGNED-PAYLOAD"),
                ("x-amz-meta-note", " two  words "),
            ]);
            let date = HeaderValue::from_str(&format_amz_date(seconds)).expect("ASCII");
            headers.insert("x-amz-date", date);
            let head = RequestHead::new(&Method::PUT, &uri, &headers);
            let signer = Signer::new("AKID", "secret", "eu-west-1", now);
            let signed = signer.authorization(&head, now, "UNSIGNED-PAYLOAD").expect("signed");
            headers.insert("authorization", HeaderValue::from_str(&signed).expect("ASCII"));
            let head = RequestHead::new(&Method::PUT, &uri, &headers);
            let parsed = SignedRequest::parse(&head, now, "eu-west-1").expect("well-formed").expect("signed");
            prop_assert_eq!(parsed.access_key(), "AKID");
            prop_assert!(parsed.verify("secret").is_ok());
        }
    }
}
