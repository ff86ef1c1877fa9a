//! Who may do anything at all: signatures by header, and what refusals say.

use e2e::bucket::{Bucket, State};
use e2e::http::{Response, send, send_unsigned};
use e2e::request::Request;
use e2e::server::Server;
use e2e::sigv4::Signer;
use time::Duration;

/// Deletes the key `k`, signed by `signer`, after `tamper` changed the signed request.
fn attack(
    server: &Server,
    bucket: &Bucket,
    signer: &Signer,
    tamper: impl Fn(Request) -> Request,
) -> Response {
    let signed =
        signer.sign(Request::new("DELETE", &format!("/{}/k", bucket.name)).header("x-amz-meta-a", "b"));
    send_unsigned(server, &tamper(signed))
}

#[tokio::test]
async fn rule_34_nobody_and_strangers_are_refused() {
    let server = Server::shared();
    let bucket = Bucket::create(&server, State::Enabled).await;
    bucket.put("k", b"x").await;
    let root = Signer::root(&server);
    send_unsigned(&server, &Request::new("DELETE", &format!("/{}/k", bucket.name)))
        .expect_error(403, "AccessDenied");
    send_unsigned(&server, &Request::new("GET", "/")).expect_error(403, "AccessDenied");
    let stranger = Signer { access_key: "AKNOBODYKNOWS0000000".to_owned(), ..root.clone() };
    attack(&server, &bucket, &stranger, |request| request).expect_error(403, "InvalidAccessKeyId");
    let guesser = Signer { secret_key: "guess".to_owned(), ..root };
    attack(&server, &bucket, &guesser, |request| request).expect_error(403, "SignatureDoesNotMatch");
    assert_eq!(bucket.rows().await.len(), 1);
}

#[tokio::test]
async fn signatures_cover_method_path_query_and_headers() {
    let server = Server::shared();
    let bucket = Bucket::create(&server, State::Enabled).await;
    bucket.put("k", b"x").await;
    bucket.put("other", b"x").await;
    let root = Signer::root(&server);
    let name = bucket.name.clone();
    type Tamper = Box<dyn Fn(Request) -> Request>;
    let tampers: [(&str, Tamper); 5] = [
        ("method", Box::new(|request| Request { method: "PUT".to_owned(), ..request })),
        ("path", Box::new(move |request| Request { path: format!("/{name}/other"), ..request })),
        ("query", Box::new(|request| request.query("versionId", "null"))),
        ("signed header", Box::new(|request| request.header("x-amz-meta-a", "c"))),
        ("host", Box::new(|request| request.header("host", "example.org"))),
    ];
    for (what, tamper) in tampers {
        let reply = attack(&server, &bucket, &root, tamper);
        assert_eq!(reply.failure(), (403, "SignatureDoesNotMatch".to_owned()), "{what}");
    }
    assert_eq!(bucket.rows().await.len(), 2);
}

#[tokio::test]
async fn signatures_must_cover_every_amz_header() {
    let server = Server::shared();
    let bucket = Bucket::create(&server, State::Enabled).await;
    bucket.put("k", b"x").await;
    let signed = Signer::root(&server).sign(Request::new("PUT", &format!("/{}/copy", bucket.name)));
    let source = format!("{}/k", bucket.name);
    let reply = send_unsigned(&server, &signed.header("x-amz-copy-source", &source));
    assert_eq!(reply.status, 403, "{}", reply.text());
    assert_eq!(bucket.get("copy").await, None);
}

#[tokio::test]
async fn rule_34_clocks_may_differ_by_fifteen_minutes() {
    let server = Server::shared();
    let bucket = Bucket::create(&server, State::Enabled).await;
    let root = Signer::root(&server);
    for (minutes, refused) in [(-20, true), (20, true), (-14, false), (14, false)] {
        let signer = Signer { time: root.time + Duration::minutes(minutes), ..root.clone() };
        let reply = send_unsigned(&server, &signer.sign(Request::new("GET", &format!("/{}", bucket.name))));
        match refused {
            true => drop(reply.expect_error(403, "RequestTimeTooSkewed")),
            false => drop(reply.expect_status(200)),
        }
    }
}

#[tokio::test]
async fn rule_35_a_wrong_region_is_told_the_right_one() {
    let server = Server::shared();
    let bucket = Bucket::create(&server, State::Enabled).await;
    let signer = Signer { region: "eu-central-1".to_owned(), ..Signer::root(&server) };
    let reply = send_unsigned(&server, &signer.sign(Request::new("GET", &format!("/{}", bucket.name))));
    let reply = reply.expect_error(400, "AuthorizationHeaderMalformed");
    assert_eq!(reply.element("Region").as_deref(), Some("us-east-1"));
}

#[tokio::test]
async fn rule_36_a_wrong_signature_is_explained() {
    let server = Server::shared();
    let bucket = Bucket::create(&server, State::Enabled).await;
    let signer = Signer { secret_key: "guess".to_owned(), ..Signer::root(&server) };
    let request = signer.sign(Request::new("GET", &format!("/{}?list-type=2&prefix=a", bucket.name)));
    let reply = send_unsigned(&server, &request).expect_error(403, "SignatureDoesNotMatch");
    assert_eq!(reply.element("AWSAccessKeyId").as_deref(), Some(e2e::server::ACCESS_KEY));
    let provided = request.header_value("authorization").expect("signed").rsplit('=').next();
    assert_eq!(reply.element("SignatureProvided").as_deref(), provided);
    let to_sign = reply.element("StringToSign").expect("StringToSign");
    assert!(to_sign.starts_with("AWS4-HMAC-SHA256\n"), "{to_sign}");
    let canonical = reply.element("CanonicalRequest").expect("CanonicalRequest");
    assert!(
        canonical.starts_with(&format!("GET\n/{}\nlist-type=2&amp;prefix=a\n", bucket.name)),
        "{canonical}"
    );
    for name in ["StringToSignBytes", "CanonicalRequestBytes"] {
        assert!(
            reply.element(name).is_some_and(|bytes| bytes.starts_with(|c: char| c.is_ascii_hexdigit())),
            "{name}"
        );
    }
    assert!(!reply.text().contains(e2e::server::SECRET_KEY));
}

#[tokio::test]
async fn signatures_that_are_malformed_are_refused() {
    let server = Server::shared();
    let bucket = Bucket::create(&server, State::Enabled).await;
    bucket.put("k", b"x").await;
    let root = Signer::root(&server);
    let long = "x".repeat(5000);
    for header in [
        "",
        "Basic dXNlcjpwYXNz",
        "AWS4-HMAC-SHA256",
        "AWS4-HMAC-SHA256 Credential=a",
        "AWS4-HMAC-SHA256 Credential=a/b/c/d/e, SignedHeaders=host, Signature=00",
        "AWS4-HMAC-SHA256 Credential=ESKERTESTACCESSKEY00/20200101/us-east-1/s3/aws4_request, SignedHeaders=, Signature=",
        "AWS4-HMAC-SHA256 Credential=ESKERTESTACCESSKEY00/99999999/us-east-1/ec2/aws4_request, SignedHeaders=host, Signature=zz",
        "AWS ESKERTESTACCESSKEY00:c2lnbmF0dXJl",
        &long,
    ] {
        let reply = attack(&server, &bucket, &root, |request| request.header("authorization", header));
        assert!(matches!(reply.status, 400 | 403), "{header:.80}: {}", reply.status);
        assert!(!reply.failure().1.is_empty(), "{header:.80}");
    }
    assert_eq!(bucket.rows().await.len(), 1);
}

#[tokio::test]
async fn rule_33_unknown_query_parameters_are_ignored_but_signed() {
    let server = Server::shared();
    let bucket = Bucket::create(&server, State::Enabled).await;
    bucket.put("k", b"x").await;
    let request =
        Request::new("GET", &format!("/{}/k", bucket.name)).query("x-id", "GetObject").query("a b", "ü+/");
    assert_eq!(send(&server, request).expect_status(200).body, b"x");
}

#[tokio::test]
async fn errors_name_the_request() {
    let server = Server::shared();
    let reply =
        send(&server, Request::new("GET", "/no-such-bucket-here/k")).expect_error(404, "NoSuchBucket");
    let id = reply.header("x-amz-request-id").expect("a request id").to_owned();
    assert_eq!(reply.element("RequestId"), Some(id.clone()));
    let next = send(&server, Request::new("GET", "/no-such-bucket-here/k"));
    assert_ne!(next.header("x-amz-request-id"), Some(id.as_str()));
    assert_eq!(reply.header("content-type"), Some("application/xml"));
}
