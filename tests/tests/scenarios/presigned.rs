//! Presigned requests: what a link allows, for how long, and nothing more.

use e2e::bucket::{Bucket, State};
use e2e::http::send_unsigned;
use e2e::request::Request;
use e2e::server::Server;
use e2e::sigv4::Signer;
use time::Duration;

#[tokio::test]
async fn presigned_links_read_and_write_without_any_header() {
    let server = Server::shared();
    let bucket = Bucket::create(&server, State::Enabled).await;
    let target = format!("/{}/k", bucket.name);
    let root = Signer::root(&server);
    let put = root.presign(Request::new("PUT", &target), "60").body("one");
    let put = send_unsigned(&server, &put).expect_status(200);
    let id = put.header("x-amz-version-id").expect("an id").to_owned();
    bucket.put("k", b"two").await;
    let get = root.presign(Request::new("GET", &target), "60");
    assert_eq!(send_unsigned(&server, &get).expect_status(200).body, b"two");
    let old = root.presign(Request::new("GET", &target).query("versionId", &id), "604800");
    assert_eq!(send_unsigned(&server, &old).expect_status(200).body, b"one");
}

#[tokio::test]
async fn rule_34_an_expired_link_is_refused() {
    let server = Server::shared();
    let bucket = Bucket::create(&server, State::Enabled).await;
    bucket.put("k", b"x").await;
    let root = Signer::root(&server);
    let target = format!("/{}/k", bucket.name);
    let at = |minutes: i64| Signer { time: root.time - Duration::minutes(minutes), ..root.clone() };
    let expired = at(2).presign(Request::new("GET", &target), "60");
    send_unsigned(&server, &expired).expect_error(403, "AccessDenied");
    // An old link that is still valid works: its age is no clock skew.
    let valid = at(120).presign(Request::new("GET", &target), "86400");
    send_unsigned(&server, &valid).expect_status(200);
    let from_the_future = at(-60).presign(Request::new("GET", &target), "60");
    assert_eq!(send_unsigned(&server, &from_the_future).status, 403);
}

#[tokio::test]
async fn rule_34_lifetimes_are_1_second_to_7_days() {
    let server = Server::shared();
    let bucket = Bucket::create(&server, State::Enabled).await;
    let root = Signer::root(&server);
    for seconds in ["0", "604801", "-1", "x", ""] {
        let request = root.presign(Request::new("GET", &format!("/{}/k", bucket.name)), seconds);
        send_unsigned(&server, &request).expect_error(400, "AuthorizationQueryParametersError");
    }
}

#[tokio::test]
async fn presigned_links_allow_what_was_signed_and_nothing_else() {
    let server = Server::shared();
    let bucket = Bucket::create(&server, State::Enabled).await;
    let one = bucket.put_id("k", b"one").await;
    bucket.put("k", b"two").await;
    bucket.put("other", b"x").await;
    let link = Signer::root(&server).presign(Request::new("GET", &format!("/{}/k", bucket.name)), "60");
    let others = [
        Request { method: "DELETE".to_owned(), ..link.clone() },
        Request { method: "PUT".to_owned(), ..link.clone() },
        Request { path: format!("/{}/other", bucket.name), ..link.clone() },
        link.clone().query("versionId", &one),
        link.clone().query("response-content-type", "text/html"),
    ];
    for request in others {
        let reply = send_unsigned(&server, &request);
        assert_eq!(
            reply.failure(),
            (403, "SignatureDoesNotMatch".to_owned()),
            "{} {}",
            request.method,
            request.path
        );
    }
    let mut longer = link;
    for (name, value) in &mut longer.query {
        if name == "X-Amz-Expires" {
            *value = Some("600".to_owned());
        }
    }
    send_unsigned(&server, &longer).expect_error(403, "SignatureDoesNotMatch");
    assert_eq!(bucket.rows().await.len(), 3);
}

#[tokio::test]
async fn presigned_links_with_parts_missing_are_refused() {
    let server = Server::shared();
    let bucket = Bucket::create(&server, State::Enabled).await;
    bucket.put("k", b"x").await;
    let link = Signer::root(&server).presign(Request::new("GET", &format!("/{}/k", bucket.name)), "60");
    for missing in
        ["X-Amz-Credential", "X-Amz-Date", "X-Amz-Expires", "X-Amz-SignedHeaders", "X-Amz-Signature"]
    {
        let mut request = link.clone();
        request.query.retain(|(name, _)| name != missing);
        let reply = send_unsigned(&server, &request);
        assert!(matches!(reply.status, 400 | 403), "without {missing}: {}", reply.status);
    }
}

#[tokio::test]
async fn rule_36_a_link_with_a_wrong_signature_is_explained() {
    let server = Server::shared();
    let signer = Signer { secret_key: "guess".to_owned(), ..Signer::root(&server) };
    let link = signer.presign(Request::new("GET", "/bucket/k"), "60");
    let reply = send_unsigned(&server, &link).expect_error(403, "SignatureDoesNotMatch");
    let provided =
        link.query.iter().find(|(name, _)| name == "X-Amz-Signature").and_then(|(_, value)| value.clone());
    assert_eq!(reply.element("SignatureProvided"), provided);
    let canonical = reply.element("CanonicalRequest").expect("CanonicalRequest");
    assert!(canonical.starts_with("GET\n/bucket/k\nX-Amz-Algorithm="), "{canonical}");
    assert!(!canonical.contains("X-Amz-Signature="), "the signature does not sign itself: {canonical}");
    for name in ["AWSAccessKeyId", "StringToSign", "StringToSignBytes", "CanonicalRequestBytes"] {
        assert!(reply.element(name).is_some(), "{name}");
    }
}
