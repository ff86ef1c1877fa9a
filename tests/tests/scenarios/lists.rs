//! ListObjects, its second version, and what both share: delimiters, encoding, tokens.

use e2e::bucket::{Bucket, State};
use e2e::http::{Response, send};
use e2e::request::Request;
use e2e::server::Server;

fn list(server: &Server, bucket: &Bucket, query: &[(&str, &str)]) -> Response {
    let request = Request::new("GET", &format!("/{}", bucket.name));
    let request = query.iter().fold(request, |request, (name, value)| request.query(name, value));
    send(server, request).expect_status(200)
}

async fn with_keys(server: &Server, keys: &[&str]) -> Bucket {
    let bucket = Bucket::create(server, State::Enabled).await;
    for key in keys {
        bucket.put(key, b"").await;
    }
    bucket
}

const TREE: [&str; 7] = ["a", "b/1", "b/2", "b/c/3", "d", "e/", "f//g"];

#[tokio::test]
async fn lists_fold_keys_at_the_delimiter() {
    let server = Server::shared();
    let bucket = with_keys(&server, &TREE).await;
    for kind in [("list-type", "2"), ("fetch-owner", "false")] {
        let top = list(&server, &bucket, &[kind, ("delimiter", "/")]);
        assert_eq!(top.elements("Key"), ["a", "d"]);
        assert_eq!(
            top.elements("CommonPrefixes"),
            ["<Prefix>b/</Prefix>", "<Prefix>e/</Prefix>", "<Prefix>f/</Prefix>"]
        );
        let below = list(&server, &bucket, &[kind, ("delimiter", "/"), ("prefix", "b/")]);
        assert_eq!(below.elements("Key"), ["b/1", "b/2"]);
        assert_eq!(below.elements("CommonPrefixes"), ["<Prefix>b/c/</Prefix>"]);
        let long = list(&server, &bucket, &[kind, ("delimiter", "/c/")]);
        assert_eq!(long.elements("CommonPrefixes"), ["<Prefix>b/c/</Prefix>"], "a delimiter may be long");
    }
}

#[tokio::test]
async fn lists_v2_page_through_with_tokens() {
    let server = Server::shared();
    let bucket = with_keys(&server, &TREE).await;
    for size in ["1", "2", "3"] {
        let (mut seen, mut token) = (Vec::new(), None::<String>);
        loop {
            let mut query = vec![("list-type", "2"), ("max-keys", size), ("delimiter", "/")];
            if let Some(token) = &token {
                query.push(("continuation-token", token));
            }
            let page = list(&server, &bucket, &query);
            let (keys, prefixes) = (page.elements("Key"), page.elements("CommonPrefixes"));
            let count = (keys.len() + prefixes.len()).to_string();
            assert_eq!(page.element("KeyCount"), Some(count), "rule 27");
            seen.extend(keys);
            seen.extend(prefixes);
            token = page.element("NextContinuationToken");
            assert_eq!(
                page.element("IsTruncated").as_deref(),
                Some(if token.is_some() { "true" } else { "false" })
            );
            if token.is_none() {
                break;
            }
        }
        seen.sort();
        let expected = ["<Prefix>b/</Prefix>", "<Prefix>e/</Prefix>", "<Prefix>f/</Prefix>", "a", "d"];
        assert_eq!(seen, expected, "pages of {size}");
    }
}

#[tokio::test]
async fn lists_v2_start_after_a_key() {
    let server = Server::shared();
    let bucket = with_keys(&server, &TREE).await;
    let page = list(&server, &bucket, &[("list-type", "2"), ("start-after", "b/2")]);
    assert_eq!(page.elements("Key"), ["b/c/3", "d", "e/", "f//g"]);
    assert_eq!(page.element("StartAfter").as_deref(), Some("b/2"), "rule 27");
    let folded = list(&server, &bucket, &[("list-type", "2"), ("start-after", "b/2"), ("delimiter", "/")]);
    // Keys after b/2 still fold into b/, which is not greater than the marker: rule 25 drops it.
    assert_eq!(folded.elements("CommonPrefixes"), ["<Prefix>e/</Prefix>", "<Prefix>f/</Prefix>"]);
}

#[tokio::test]
async fn rule_27_next_marker_only_with_a_delimiter_and_owner_only_on_request() {
    let server = Server::shared();
    let bucket = with_keys(&server, &TREE).await;
    let plain = list(&server, &bucket, &[("max-keys", "1")]);
    assert_eq!(plain.element("IsTruncated").as_deref(), Some("true"));
    assert_eq!(plain.element("NextMarker"), None);
    let folded = list(&server, &bucket, &[("max-keys", "2"), ("delimiter", "/")]);
    assert_eq!(folded.element("NextMarker").as_deref(), Some("b/"));
    let next = list(&server, &bucket, &[("marker", "b/"), ("delimiter", "/")]);
    assert_eq!(next.elements("Key"), ["d"]);

    let v2 = list(&server, &bucket, &[("list-type", "2")]);
    assert_eq!(v2.elements("Owner"), Vec::<String>::new());
    let v2 = list(&server, &bucket, &[("list-type", "2"), ("fetch-owner", "true")]);
    assert_eq!(v2.elements("Owner").len(), TREE.len());
}

#[tokio::test]
async fn rule_24_encoding_type_url_encodes_names_and_markers() {
    let server = Server::shared();
    let bucket = with_keys(&server, &["a b/+x", "a b/ü&<", "a b/\u{1}", "c"]).await;
    for list_kind in [("versions", ""), ("list-type", "2")] {
        let encoded = list(&server, &bucket, &[list_kind, ("encoding-type", "url"), ("prefix", "a b")]);
        let mut keys = encoded.elements("Key");
        keys.sort();
        assert_eq!(keys, ["a%20b/%01", "a%20b/%2Bx", "a%20b/%C3%BC%26%3C"], "{list_kind:?}");
        assert_eq!(encoded.element("Prefix").as_deref(), Some("a%20b"), "{list_kind:?}");
        assert_eq!(encoded.element("EncodingType").as_deref(), Some("url"), "{list_kind:?}");
        let folded = list(&server, &bucket, &[list_kind, ("encoding-type", "url"), ("delimiter", " ")]);
        assert_eq!(folded.element("Delimiter").as_deref(), Some("%20"), "{list_kind:?}");
        assert_eq!(folded.elements("CommonPrefixes"), ["<Prefix>a%20</Prefix>"], "{list_kind:?}");
    }
    let page = list(&server, &bucket, &[("versions", ""), ("encoding-type", "url"), ("max-keys", "1")]);
    assert_eq!(page.element("NextKeyMarker").as_deref(), Some("a%20b/%01"));
    let wrong = Request::new("GET", &format!("/{}?encoding-type=xml", bucket.name));
    send(&server, wrong).expect_error(400, "InvalidArgument");
}

#[tokio::test]
async fn rule_24_tokens_are_never_encoded() {
    let server = Server::shared();
    let bucket = with_keys(&server, &["a b 1", "a b 2"]).await;
    let plain = list(&server, &bucket, &[("list-type", "2"), ("max-keys", "1")]);
    let query = [("list-type", "2"), ("max-keys", "1"), ("encoding-type", "url")];
    let encoded = list(&server, &bucket, &query);
    let token = encoded.element("NextContinuationToken").expect("truncated");
    assert_eq!(plain.element("NextContinuationToken").as_ref(), Some(&token));
    let next = list(&server, &bucket, &[("list-type", "2"), ("continuation-token", &token)]);
    assert_eq!(next.elements("Key"), ["a b 2"]);
    let forged = Request::new("GET", &format!("/{}?list-type=2", bucket.name));
    let forged = forged.query("continuation-token", "forged!");
    send(&server, forged).expect_error(400, "InvalidArgument");
}

#[tokio::test]
async fn rule_21_documents_have_the_namespace_and_are_xml() {
    let server = Server::shared();
    let bucket = with_keys(&server, &["a"]).await;
    for query in [("versions", ""), ("list-type", "2"), ("versioning", ""), ("uploads", ""), ("location", "")]
    {
        let reply = list(&server, &bucket, &[query]);
        assert_eq!(reply.header("content-type"), Some("application/xml"), "{query:?}");
        let text = reply.text();
        assert!(text.starts_with("<?xml version=\"1.0\" encoding=\"UTF-8\"?>"), "{text}");
        assert!(text.contains("xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\""), "{text}");
    }
}
