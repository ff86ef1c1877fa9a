//! Pages: however a list is cut, its pages hold every row exactly once, whatever happens meanwhile.

use e2e::bucket::{Bucket, State};
use e2e::http::{Response, send};
use e2e::request::Request;
use e2e::server::Server;

/// One page of ListObjectVersions.
fn page(server: &Server, bucket: &Bucket, query: &[(&str, &str)]) -> Response {
    let request = Request::new("GET", &format!("/{}?versions", bucket.name));
    let request = query.iter().fold(request, |request, (name, value)| request.query(name, value));
    send(server, request).expect_status(200)
}

fn truncated(page: &Response) -> bool {
    page.element("IsTruncated").expect("IsTruncated") == "true"
}

/// Rows (or prefixes) of all pages of `size`.
fn all(server: &Server, bucket: &Bucket, page_size: usize, fixed: &[(&str, &str)]) -> Vec<String> {
    let (mut seen, mut markers) = (Vec::new(), Vec::<(String, String)>::new());
    for _ in 0..1000 {
        let size = page_size.to_string();
        let mut query = fixed.to_vec();
        query.push(("max-keys", &size));
        query.extend(markers.iter().map(|(name, value)| (name.as_str(), value.as_str())));
        let page = page(server, bucket, &query);
        let prefixes = page.elements("CommonPrefixes");
        let rows = page.elements("VersionId").len() + prefixes.len();
        assert!(rows <= page_size);
        seen.extend(page.elements("VersionId"));
        seen.extend(prefixes);
        if !truncated(&page) {
            assert_eq!(page.element("NextKeyMarker"), None);
            return seen;
        }
        assert!(rows > 0, "a truncated page holds something");
        markers = vec![("key-marker".to_owned(), page.element("NextKeyMarker").expect("NextKeyMarker"))];
        if let Some(id) = page.element("NextVersionIdMarker") {
            assert!(!id.is_empty(), "rule 25: never an empty one");
            markers.push(("version-id-marker".to_owned(), id));
        }
    }
    panic!("the list does not end");
}

async fn filled(server: &Server) -> Bucket {
    let bucket = Bucket::create(server, State::Unversioned).await;
    for key in ["a", "dir/x", "z"] {
        bucket.put(key, b"null").await;
    }
    bucket.enable().await;
    for round in 0..3_u8 {
        for key in ["a", "b", "dir/x", "dir/y", "dir2/x", "z"] {
            bucket.put(key, &[round]).await;
            if round == 1 {
                bucket.delete(key).await;
            }
        }
    }
    bucket
}

#[tokio::test]
async fn list_pages_of_every_size_hold_every_version_once() {
    let server = Server::shared();
    let bucket = filled(&server).await;
    let whole = page(&server, &bucket, &[]).elements("VersionId");
    assert_eq!(whole.len(), 3 + 6 * 4);
    for size in [1, 2, 3, 5, 7, 26, 27, 28, 1000] {
        assert_eq!(all(&server, &bucket, size, &[]), whole, "pages of {size}");
    }
    let below: Vec<String> = page(&server, &bucket, &[("prefix", "dir")]).elements("VersionId");
    for size in [1, 4, 9] {
        assert_eq!(all(&server, &bucket, size, &[("prefix", "dir")]), below, "pages of {size}");
    }
}

#[tokio::test]
async fn rule_25_common_prefixes_count_once_across_pages() {
    let server = Server::shared();
    let bucket = filled(&server).await;
    let fixed = [("delimiter", "/")];
    let whole = all(&server, &bucket, 1000, &fixed);
    for size in [1, 2, 3, 5] {
        let mut paged = all(&server, &bucket, size, &fixed);
        let mut whole = whole.clone();
        // Within a page, prefixes come after versions; across pages they come where they belong.
        paged.sort();
        whole.sort();
        assert_eq!(paged, whole, "pages of {size}");
    }
    assert_eq!(whole.iter().filter(|row| row.contains("dir/")).count(), 1);
}

#[tokio::test]
async fn rule_25_a_page_that_ends_in_a_prefix_has_no_version_marker() {
    let server = Server::shared();
    let bucket = Bucket::create(&server, State::Enabled).await;
    for key in ["a/1", "a/2", "b/1"] {
        bucket.put(key, b"").await;
    }
    let first = page(&server, &bucket, &[("delimiter", "/"), ("max-keys", "1")]);
    assert_eq!(first.elements("Prefix").last().map(String::as_str), Some("a/"));
    assert_eq!(first.element("NextKeyMarker").as_deref(), Some("a/"));
    assert_eq!(first.element("NextVersionIdMarker"), None);
    let second =
        page(&server, &bucket, &[("delimiter", "/"), ("key-marker", "a/"), ("version-id-marker", "")]);
    assert_eq!(
        second.elements("CommonPrefixes"),
        ["<Prefix>b/</Prefix>"],
        "an empty marker is an absent one"
    );
}

#[tokio::test]
async fn rule_25_a_key_marker_alone_resumes_after_all_versions_of_that_key() {
    let server = Server::shared();
    let bucket = filled(&server).await;
    let rest = page(&server, &bucket, &[("key-marker", "a")]).elements("Key");
    assert!(!rest.contains(&"a".to_owned()) && rest.contains(&"b".to_owned()), "{rest:?}");
    let rest = page(&server, &bucket, &[("key-marker", "aa")]).elements("Key");
    assert_eq!(rest.first().map(String::as_str), Some("b"), "a marker need not exist");
}

#[tokio::test]
async fn list_pages_resume_exactly_though_the_marker_was_deleted() {
    let server = Server::shared();
    let bucket = Bucket::create(&server, State::Enabled).await;
    let mut ids = Vec::new();
    for round in 0..6_u8 {
        ids.push(bucket.put_id("k", &[round]).await);
    }
    ids.reverse();
    let first = page(&server, &bucket, &[("max-keys", "3")]);
    assert_eq!(first.elements("VersionId"), ids[..3]);
    let marker = first.element("NextVersionIdMarker").expect("truncated");
    bucket.delete_version("k", &ids[2]).await;
    bucket.put_id("k", b"newer").await;
    let second = page(&server, &bucket, &[("key-marker", "k"), ("version-id-marker", &marker)]);
    assert_eq!(second.elements("VersionId"), ids[3..]);
}

#[tokio::test]
async fn rule_26_pages_resume_exactly_though_the_null_version_was_rewritten() {
    let server = Server::shared();
    let bucket = Bucket::create(&server, State::Enabled).await;
    let older = bucket.put_id("k", b"older").await;
    bucket.suspend().await;
    bucket.put("k", b"null").await;
    bucket.enable().await;
    let newer = bucket.put_id("k", b"newer").await;
    let first = page(&server, &bucket, &[("max-keys", "2")]);
    assert_eq!(first.elements("VersionId"), [newer.as_str(), "null"]);
    let marker = first.element("NextVersionIdMarker").expect("truncated");
    let resume = |marker: &str| {
        let query = [("key-marker", "k"), ("version-id-marker", marker)];
        page(&server, &bucket, &query).elements("VersionId")
    };
    assert_eq!(resume("null"), [older.as_str()], "null is accepted too");
    bucket.suspend().await;
    bucket.put("k", b"null, now newest").await;
    assert_eq!(resume(&marker), [older.as_str()], "not everything again");
}

#[tokio::test]
async fn rule_23_max_keys() {
    let server = Server::shared();
    let bucket = filled(&server).await;
    let none = page(&server, &bucket, &[("max-keys", "0")]);
    assert!(!truncated(&none) && none.elements("VersionId").is_empty());
    let capped = page(&server, &bucket, &[("max-keys", "5000")]);
    assert_eq!(capped.element("MaxKeys").as_deref(), Some("1000"));
    for wrong in ["-1", "x", "1.5", "99999999999999999999"] {
        for list in ["versions", "list-type=2", "prefix="] {
            let request = Request::new("GET", &format!("/{}?{list}", bucket.name)).query("max-keys", wrong);
            send(&server, request).expect_error(400, "InvalidArgument");
        }
    }
}

#[tokio::test]
async fn list_pages_of_a_version_marker_without_a_key_are_refused() {
    let server = Server::shared();
    let bucket = filled(&server).await;
    let target = format!("/{}?versions&version-id-marker=null", bucket.name);
    send(&server, Request::new("GET", &target)).expect_error(400, "InvalidArgument");
}

#[tokio::test]
async fn list_pages_of_objects_skip_a_sea_of_deleted_keys() {
    let server = Server::shared();
    let bucket = Bucket::create(&server, State::Enabled).await;
    let count = e2e::report::by_length(500, 20_000);
    for n in 0..count {
        bucket.put(&format!("deleted-{n:06}"), b"").await;
        bucket.delete(&format!("deleted-{n:06}")).await;
    }
    bucket.put("a", b"").await;
    bucket.put("z", b"").await;
    let request = Request::new("GET", &format!("/{}?list-type=2&max-keys=2", bucket.name));
    let page = send(&server, request).expect_status(200);
    assert_eq!(page.elements("Key"), ["a", "z"]);
    assert!(!truncated(&page));
}
