//! Keys: any text of up to 1024 bytes goes through every operation unchanged, and no two keys are one.

use e2e::bucket::{Bucket, State};
use e2e::http::{Response, send};
use e2e::request::{Request, path_of};
use e2e::server::Server;

/// Keys that some server somewhere mistook for something else.
fn awkward() -> Vec<String> {
    let mut keys: Vec<String> = [
        "plain",
        " ",
        "  ",
        " leading",
        "trailing ",
        "a b",
        "a+b",
        "a%20b",
        "a%2Bb",
        "100%",
        "%",
        "%%",
        "%zz",
        "%2F",
        "a/b",
        "/",
        "//",
        "/leading",
        "trailing/",
        "a//b",
        ".",
        "..",
        "../..",
        "a/../b",
        "a/./b",
        "./a",
        "...",
        "ü",
        "u\u{308}",
        "日本語",
        "\u{1f600}",
        "\u{200b}",
        "\u{feff}a",
        "&amp;",
        "<a>",
        "]]>",
        "\"",
        "'",
        "a&b=c",
        "a?b",
        "a#b",
        "a;b",
        "a\\b",
        "null",
        "k?versionId=null",
        "~",
        "*",
        "a=b",
        "$HOME",
        "{}",
        "a,b",
        "@",
        ":",
        "C:\\a",
    ]
    .map(str::to_owned)
    .to_vec();
    keys.extend(["a\tb", "a\nb", "a\rb", "a\r\nb", "\u{1}", "\u{1f}", "\u{7f}", "\u{85}"].map(str::to_owned));
    keys.push("k".repeat(1024));
    keys.push("ü".repeat(512));
    keys.push(format!("{}/x", "d/".repeat(511)));
    keys
}

/// Sends a request for a key; raw, because Amazon's SDK refuses keys of nothing but white space.
fn on_key(server: &Server, bucket: &Bucket, method: &str, key: &str, body: &[u8]) -> Response {
    send(server, Request::new(method, &path_of(&bucket.name, key)).body(body))
}

fn put(server: &Server, bucket: &Bucket, key: &str, body: &[u8]) -> String {
    let reply = on_key(server, bucket, "PUT", key, body).expect_status(200);
    reply.header("x-amz-version-id").expect("an id").to_owned()
}

#[tokio::test]
async fn keys_round_trip_through_put_get_head_and_delete() {
    let server = Server::shared();
    let bucket = Bucket::create(&server, State::Enabled).await;
    let keys = awkward();
    for key in &keys {
        put(&server, &bucket, key, key.as_bytes());
    }
    for key in &keys {
        let reply = on_key(&server, &bucket, "GET", key, b"").expect_status(200);
        assert_eq!(reply.body, key.as_bytes(), "{key:?}");
        on_key(&server, &bucket, "HEAD", key, b"").expect_status(200);
        if !key.trim().is_empty() {
            assert_eq!(bucket.get(key).await.as_deref(), Some(key.as_bytes()), "{key:?} through the SDK");
        }
    }
    for key in &keys {
        on_key(&server, &bucket, "DELETE", key, b"").expect_status(204);
        on_key(&server, &bucket, "GET", key, b"").expect_error(404, "NoSuchKey");
    }
    let page = bucket.client.list_object_versions().bucket(&bucket.name).encoding_type("url".into());
    let page = page.send().await.expect("List");
    assert_eq!(page.versions().len(), keys.len(), "no two keys were one");
    assert_eq!(page.delete_markers().len(), keys.len());
}

#[tokio::test]
async fn keys_come_back_from_encoded_lists_in_byte_order() {
    let server = Server::shared();
    let bucket = Bucket::create(&server, State::Enabled).await;
    let mut keys = awkward();
    for key in &keys {
        put(&server, &bucket, key, b"");
    }
    keys.sort();
    for list in ["versions", "list-type=2", "encoding-type=url"] {
        let mut seen = Vec::new();
        let mut resume: Vec<(String, String)> = Vec::new();
        loop {
            let request = Request::new("GET", &format!("/{}?{list}", bucket.name)).query("max-keys", "7");
            let request =
                if list.starts_with("encoding") { request } else { request.query("encoding-type", "url") };
            let request = resume.iter().fold(request, |request, (name, value)| request.query(name, value));
            let page = send(&server, request).expect_status(200);
            let names = page.elements("Key").into_iter().map(|name| decoded(&name));
            seen.extend(names);
            if page.element("IsTruncated").as_deref() != Some("true") {
                break;
            }
            let last = seen.last().expect("a truncated page holds something").clone();
            resume = match list {
                "versions" => vec![("key-marker".to_owned(), last)],
                "list-type=2" => {
                    let token = page.element("NextContinuationToken").expect("truncated");
                    vec![("continuation-token".to_owned(), token)]
                }
                _ => vec![("marker".to_owned(), last)],
            };
        }
        assert_eq!(seen, keys, "{list}");
    }
}

fn decoded(text: &str) -> String {
    percent_encoding::percent_decode_str(text).decode_utf8().expect("UTF-8").into_owned()
}

#[tokio::test]
async fn keys_are_copied_from_and_to() {
    let server = Server::shared();
    let bucket = Bucket::create(&server, State::Enabled).await;
    for key in awkward() {
        let id = put(&server, &bucket, &key, key.as_bytes());
        let source = format!("{}?versionId={id}", path_of(&bucket.name, &key));
        let target = Request::new("PUT", &path_of(&bucket.name, "copy")).header("x-amz-copy-source", &source);
        send(&server, target).expect_status(200);
        assert_eq!(bucket.get("copy").await.as_deref(), Some(key.as_bytes()), "{key:?}");
        let back = Request::new("PUT", &path_of(&bucket.name, &key));
        let back = back.header("x-amz-copy-source", &path_of(&bucket.name, "copy"));
        send(&server, back).expect_status(200);
        let reply = on_key(&server, &bucket, "GET", &key, b"").expect_status(200);
        assert_eq!(reply.body, key.as_bytes(), "{key:?}");
    }
}

#[tokio::test]
async fn rule_21_white_space_in_keys_of_documents_is_kept() {
    let server = Server::shared();
    let bucket = Bucket::create(&server, State::Enabled).await;
    for (key, written) in
        [(" ", " "), ("  a  ", "  a  "), ("a\rb", "a&#13;b"), ("a\nb", "a\nb"), ("&<", "&amp;&lt;")]
    {
        put(&server, &bucket, key, b"x");
        let listed = send(&server, Request::new("GET", &format!("/{}", bucket.name))).expect_status(200);
        let listed = listed.elements("Key");
        assert_eq!(listed.len(), 1);
        assert_eq!(listed[0].replace("&#10;", "\n").replace("&#xD;", "&#13;"), written, "{key:?}");
        let xml = format!("<Delete><Object><Key>{written}</Key></Object></Delete>");
        let post = Request::new("POST", &format!("/{}?delete", bucket.name)).body(xml.as_str());
        let post = post.header("content-md5", &e2e::digest::md5_base64(xml.as_bytes()));
        send(&server, post).expect_status(200);
        assert_eq!(on_key(&server, &bucket, "GET", key, b"").status, 404, "{key:?}");
    }
}

#[tokio::test]
async fn keys_that_are_not_utf8_are_refused() {
    let server = Server::shared();
    let bucket = Bucket::create(&server, State::Enabled).await;
    for path in ["%FF", "%C3", "a%ED%A0%80", "%C0%AF"] {
        let reply = send(&server, Request::new("PUT", &format!("/{}/{path}", bucket.name)).body("x"));
        assert_eq!(reply.status, 400, "{path}: {}", reply.text());
    }
    assert_eq!(bucket.rows().await, []);
}

#[tokio::test]
async fn keys_that_prefix_each_other_keep_their_versions_apart() {
    let server = Server::shared();
    let bucket = Bucket::create(&server, State::Enabled).await;
    for key in ["a", "ab", "a/", "a!"] {
        for round in 0..3_u8 {
            bucket.put(key, &[round]).await;
        }
    }
    bucket.delete("a").await;
    for key in ["ab", "a/", "a!"] {
        assert_eq!(bucket.history(key).await.len(), 3, "{key:?}");
        assert_eq!(bucket.get(key).await.expect("there"), [2]);
    }
    assert_eq!(bucket.history("a").await.len(), 4);
}
