//! Sub-resources that are not there: an explicit error, and never the plain operation instead.

use e2e::bucket::{Bucket, State};
use e2e::http::{send, send_unsigned};
use e2e::request::Request;
use e2e::server::Server;
use e2e::sigv4::Signer;

/// Query parameters that make a request another operation in Amazon's API and that Esker has none for.
const ABSENT: [&str; 33] = [
    "accelerate",
    "acl",
    "analytics",
    "attributes",
    "cors",
    "encryption",
    "intelligent-tiering",
    "inventory",
    "legal-hold",
    "lifecycle",
    "logging",
    "metadataConfiguration",
    "metadataInventoryTable",
    "metadataJournalTable",
    "metadataTable",
    "metrics",
    "notification",
    "object-lock",
    "ownershipControls",
    "policy",
    "policyStatus",
    "publicAccessBlock",
    "renameObject",
    "replication",
    "requestPayment",
    "restore",
    "retention",
    "select",
    "session",
    "torrent",
    "website",
    "abac",
    "annotation",
];

/// Those that exist, with what exists elsewhere: a method and a sub-resource that do not go together.
const MISMATCHED: [(&str, &str, &str); 12] = [
    ("bucket", "PUT", "location"),
    ("bucket", "DELETE", "versioning"),
    ("bucket", "PUT", "versions"),
    ("bucket", "DELETE", "versions"),
    ("bucket", "DELETE", "uploads"),
    ("bucket", "GET", "tagging"),
    ("bucket", "PUT", "tagging"),
    ("bucket", "DELETE", "tagging"),
    ("object", "PUT", "tagging"),
    ("object", "DELETE", "tagging"),
    ("object", "PUT", "versioning"),
    ("object", "DELETE", "versions"),
];

#[tokio::test]
async fn rule_33_no_sub_resource_falls_through_to_the_plain_operation() {
    let server = Server::shared();
    // Empty, so that a DELETE that fell through would succeed.
    let empty = Bucket::create(&server, State::Enabled).await;
    let bucket = Bucket::create(&server, State::Enabled).await;
    bucket.put("k", b"one").await;
    let before = bucket.rows().await;
    let on_bucket = format!("/{}", empty.name);
    let on_object = format!("/{}/k", bucket.name);
    let refused = |method: &str, target: &str, name: &str| {
        let request = Request::new(method, &format!("{target}?{name}"));
        let request = if method == "PUT" || method == "POST" { request.body("x") } else { request };
        let reply = send(&server, request);
        assert_eq!(reply.failure(), (501, "NotImplemented".to_owned()), "{method} {target}?{name}");
    };
    for name in ABSENT {
        for method in ["GET", "PUT", "DELETE", "POST"] {
            refused(method, &on_bucket, name);
            refused(method, &on_object, name);
        }
        for target in [&on_bucket, &on_object] {
            let head = send(&server, Request::new("HEAD", &format!("{target}?{name}")));
            assert_eq!(head.status, 501, "HEAD {target}?{name}");
        }
    }
    for (resource, method, name) in MISMATCHED {
        refused(method, if resource == "bucket" { &on_bucket } else { &on_object }, name);
    }
    assert_eq!(bucket.rows().await, before, "no object was written or deleted");
    assert_eq!(empty.rows().await, [], "the empty bucket is still there");
}

#[tokio::test]
async fn rule_33_parameters_that_mean_nothing_are_part_of_the_signature() {
    let server = Server::shared();
    let bucket = Bucket::create(&server, State::Enabled).await;
    bucket.put("k", b"one").await;
    let request = Request::new("GET", &format!("/{}/k", bucket.name));
    let signed = Signer::root(&server).sign(request.clone().query("x-id", "GetObject"));
    assert_eq!(send_unsigned(&server, &signed).expect_status(200).body, b"one");
    let added = Signer::root(&server).sign(request).query("x-id", "GetObject");
    send_unsigned(&server, &added).expect_error(403, "SignatureDoesNotMatch");
    let removed = Request { query: Vec::new(), ..signed };
    send_unsigned(&server, &removed).expect_error(403, "SignatureDoesNotMatch");
}

#[tokio::test]
async fn rule_13_every_way_to_write_refuses_what_it_would_have_to_ignore() {
    let server = Server::shared();
    let bucket = Bucket::create(&server, State::Enabled).await;
    bucket.put("source", b"x").await;
    let source = format!("{}/source", bucket.name);
    let put = Request::new("PUT", &format!("/{}/k", bucket.name));
    let ways = [
        ("put", put.clone().body("x")),
        ("copy", put.header("x-amz-copy-source", &source)),
        ("create", Request::new("POST", &format!("/{}/k?uploads", bucket.name))),
    ];
    for (way, request) in ways {
        for (header, value, status, code) in [
            ("x-amz-acl", "public-read", 501, "NotImplemented"),
            ("x-amz-grant-read", "id=x", 501, "NotImplemented"),
            ("x-amz-tagging", "a=b", 501, "NotImplemented"),
            ("x-amz-storage-class", "GLACIER", 400, "InvalidStorageClass"),
            ("x-amz-server-side-encryption", "aws:kms", 501, "NotImplemented"),
            ("x-amz-server-side-encryption-customer-algorithm", "AES256", 501, "NotImplemented"),
            ("x-amz-object-lock-mode", "COMPLIANCE", 501, "NotImplemented"),
            ("x-amz-object-lock-legal-hold", "ON", 501, "NotImplemented"),
            ("x-amz-website-redirect-location", "/x", 501, "NotImplemented"),
        ] {
            let reply = send(&server, request.clone().header(header, value));
            assert_eq!(reply.failure(), (status, code.to_owned()), "{way} {header}: {}", reply.text());
        }
        let defaults = request.header("x-amz-acl", "private").header("x-amz-storage-class", "STANDARD");
        assert_eq!(send(&server, defaults).status, 200, "{way}");
    }
    assert_eq!(bucket.history("k").await.len(), 2, "one put and one copy were accepted");
}

#[tokio::test]
async fn rule_14_tag_sets_follow_versions_as_reads_do() {
    let server = Server::shared();
    let bucket = Bucket::create(&server, State::Enabled).await;
    let one = bucket.put_id("k", b"one").await;
    let marker = bucket.delete_id("k").await;
    let tags =
        |query: &str| send(&server, Request::new("GET", &format!("/{}/k?tagging{query}", bucket.name)));
    let named = tags(&format!("&versionId={one}")).expect_status(200);
    assert_eq!(named.header("x-amz-version-id"), Some(one.as_str()));
    assert!(named.text().contains("<TagSet") && !named.text().contains("<Tag>"), "{}", named.text());
    tags("").expect_error(404, "NoSuchKey");
    tags(&format!("&versionId={marker}")).expect_error(405, "MethodNotAllowed");
    tags("&versionId=00000000-0000-8000-8000-000000000000").expect_error(404, "NoSuchVersion");
}
