//! Documents that are wrong, hostile or huge: refused with a clear error, and nothing is done.

use e2e::bucket::{Bucket, State};
use e2e::digest::md5_base64;
use e2e::http::{Response, send};
use e2e::request::Request;
use e2e::server::Server;

fn delete(server: &Server, bucket: &Bucket, xml: &[u8]) -> Response {
    let request = Request::new("POST", &format!("/{}?delete", bucket.name)).body(xml);
    send(server, request.header("content-md5", &md5_base64(xml)))
}

#[tokio::test]
async fn malformed_documents_are_refused_and_nothing_is_done() {
    let server = Server::shared();
    let bucket = Bucket::create(&server, State::Enabled).await;
    bucket.put("k", b"x").await;
    let wrong: [&[u8]; 12] = [
        b"",
        b"k",
        b"<",
        b"<Delete>",
        b"<Delete><Object><Key>k</Key></Object>",
        b"<Delete><Object><Key>k</Object></Key></Delete>",
        b"<Delete><Object></Object></Delete>",
        b"<Other><Object><Key>k</Key></Object></Other>",
        b"<Delete><Object><Key>k</Key></Object></Delete><Delete/>",
        b"<Delete><Object><Key>\xff\xfe</Key></Object></Delete>",
        b"{\"Delete\": [\"k\"]}",
        b"<Delete><Object><Key>k</Key><Key>k</Key></Object></Delete>",
    ];
    for xml in wrong {
        let reply = delete(&server, &bucket, xml);
        assert_eq!(reply.failure(), (400, "MalformedXML".to_owned()), "{}", String::from_utf8_lossy(xml));
    }
    assert_eq!(bucket.rows().await.len(), 1);
}

#[tokio::test]
async fn malformed_documents_with_entities_are_refused() {
    let server = Server::shared();
    let bucket = Bucket::create(&server, State::Enabled).await;
    let laughs: String = (1..10).map(|n| format!("<!ENTITY l{n} \"&l{};&l{};\">", n - 1, n - 1)).collect();
    let delete_of =
        |head: &str, key: &str| format!("{head}<Delete><Object><Key>{key}</Key></Object></Delete>");
    for xml in [
        delete_of("<!DOCTYPE d [<!ENTITY l0 \"k\">]>", "&l0;"),
        delete_of(&format!("<!DOCTYPE d [<!ENTITY l0 \"k\">{laughs}]>"), "&l9;"),
        delete_of("<!DOCTYPE d [<!ENTITY x SYSTEM \"file:///etc/passwd\">]>", "&x;"),
        delete_of("<!DOCTYPE d SYSTEM \"http://127.0.0.1:1/d.dtd\">", "k"),
        delete_of("", "&undefined;"),
    ] {
        let reply = delete(&server, &bucket, xml.as_bytes()).expect_error(400, "MalformedXML");
        assert!(!reply.text().contains("root:"), "no file leaks into a message");
    }
    assert_eq!(bucket.rows().await, [], "not even a marker");
}

#[tokio::test]
async fn malformed_documents_that_are_deep_or_huge_are_refused_early() {
    // A server of its own: what others make it hold would be counted.
    let server = Server::start();
    let bucket = Bucket::create(&server, State::Enabled).await;
    let deep = format!("{}{}", "<a>".repeat(100_000), "</a>".repeat(100_000));
    delete(&server, &bucket, deep.as_bytes()).expect_error(400, "MalformedXML");
    let before = server.rss_bytes();
    let huge = format!("<Delete>{}</Delete>", "<Object><Key>k</Key></Object>".repeat(2_000_000));
    let reply = delete(&server, &bucket, huge.as_bytes());
    assert_eq!(reply.status, 400, "{}", reply.text());
    let grown = server.rss_bytes().saturating_sub(before);
    assert!(
        grown < 40 << 20,
        "a document of {} MiB grew the server by {} MiB",
        huge.len() >> 20,
        grown >> 20
    );
    assert_eq!(bucket.rows().await, []);
}

#[tokio::test]
async fn malformed_documents_of_every_operation_are_refused() {
    let server = Server::shared();
    let bucket = Bucket::create(&server, State::Enabled).await;
    let put = |target: String| send(&server, Request::new("PUT", &target).body("<x"));
    put(format!("/{}?versioning", bucket.name)).expect_error(400, "MalformedXML");
    put(format!("/{}", e2e::bucket::unique_name())).expect_error(400, "MalformedXML");
}

#[tokio::test]
async fn rule_21_documents_with_and_without_namespace_and_declaration_are_accepted() {
    let server = Server::shared();
    let bucket = Bucket::create(&server, State::Enabled).await;
    let object = "<Object><Key>k</Key></Object>";
    for xml in [
        format!("<Delete>{object}</Delete>"),
        format!("<Delete xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\">{object}</Delete>"),
        format!("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<Delete>\n  {object}\n  <!-- note -->\n</Delete>\n"),
        format!("\u{feff}<?xml version=\"1.0\"?><Delete>{object}</Delete>"),
        "<s3:Delete xmlns:s3=\"http://s3.amazonaws.com/doc/2006-03-01/\"><s3:Object><s3:Key>k</s3:Key></s3:Object></s3:Delete>".to_owned(),
        "<Delete><Object><Key><![CDATA[k]]></Key></Object></Delete>".to_owned(),
        "<Delete><Object><Key>&#107;</Key></Object></Delete>".to_owned(),
    ] {
        let reply = delete(&server, &bucket, xml.as_bytes()).expect_status(200);
        assert_eq!(reply.elements("Key"), ["k"], "{xml}");
    }
}
