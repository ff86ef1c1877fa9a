//! Multipart uploads: parts, lists of parts and uploads, aborts, replays.

use e2e::bucket::{Bucket, State};
use e2e::digest::multipart_etag;
use e2e::http::{Response, send};
use e2e::payload;
use e2e::request::{Request, path_of};
use e2e::server::Server;

/// Smallest part that is not the last, in bytes.
pub(crate) const PART_BYTES: usize = 5 << 20;

/// An upload, driven by raw requests.
pub(crate) struct Upload<'a> {
    server: &'a Server,
    target: String,
    id: String,
}

impl<'a> Upload<'a> {
    /// Creates an upload, with further headers.
    pub(crate) fn create(
        server: &'a Server,
        bucket: &Bucket,
        key: &str,
        headers: &[(&str, &str)],
    ) -> Upload<'a> {
        let target = path_of(&bucket.name, key);
        let request = Request::new("POST", &format!("{target}?uploads"));
        let request = headers.iter().fold(request, |request, (name, value)| request.header(name, value));
        let reply = send(server, request).expect_status(200);
        Upload { server, target, id: reply.element("UploadId").expect("UploadId") }
    }

    /// The upload's id.
    pub(crate) fn id(&self) -> &str {
        &self.id
    }

    /// A request on the upload.
    pub(crate) fn request(&self, method: &str) -> Request {
        Request::new(method, &self.target).query("uploadId", &self.id)
    }

    /// Uploads a part.
    pub(crate) fn part(&self, number: u16, body: &[u8]) -> Response {
        send(self.server, self.request("PUT").query("partNumber", &number.to_string()).body(body))
    }

    /// Completes with these parts: number and ETag.
    pub(crate) fn complete(&self, parts: &[(u16, &str)]) -> Response {
        send(self.server, self.complete_request(parts))
    }

    /// The request that completes with these parts.
    pub(crate) fn complete_request(&self, parts: &[(u16, &str)]) -> Request {
        self.request("POST").body(document(parts))
    }

    /// Aborts.
    pub(crate) fn abort(&self) -> Response {
        send(self.server, self.request("DELETE"))
    }
}

/// The body of CompleteMultipartUpload.
pub(crate) fn document(parts: &[(u16, &str)]) -> String {
    let part = |(number, etag): &(u16, &str)| {
        format!("<Part><PartNumber>{number}</PartNumber><ETag>{etag}</ETag></Part>")
    };
    format!(
        "<CompleteMultipartUpload>{}</CompleteMultipartUpload>",
        parts.iter().map(part).collect::<String>()
    )
}

fn etag_of(response: &Response) -> &str {
    response.header("etag").expect("an ETag")
}

#[tokio::test]
async fn multipart_object_is_its_parts_in_order_of_number() {
    let server = Server::shared();
    let bucket = Bucket::create(&server, State::Enabled).await;
    let upload =
        Upload::create(&server, &bucket, "k", &[("content-type", "text/x-test"), ("x-amz-meta-a", "b")]);
    let bodies = [payload::bytes(1, PART_BYTES), payload::bytes(2, PART_BYTES + 1), payload::bytes(3, 11)];
    // Sent out of order, and with gaps in the numbers.
    let third = upload.part(9000, &bodies[2]).expect_status(200);
    let first = upload.part(2, &bodies[0]).expect_status(200);
    let second = upload.part(7, &bodies[1]).expect_status(200);
    let reply = upload.complete(&[(2, etag_of(&first)), (7, etag_of(&second)), (9000, etag_of(&third))]);
    let reply = reply.expect_status(200);
    let expected = multipart_etag(&[&bodies[0], &bodies[1], &bodies[2]]);
    assert_eq!(reply.element("ETag").expect("ETag").replace("&quot;", "\""), expected, "rule 7");
    assert!(reply.header("x-amz-version-id").is_some());
    let object = send(&server, Request::new("GET", &format!("/{}/k", bucket.name))).expect_status(200);
    assert!(object.body == bodies.concat());
    assert_eq!(object.header("etag"), Some(expected.as_str()));
    assert_eq!(object.header("content-type"), Some("text/x-test"));
    assert_eq!(object.header("x-amz-meta-a"), Some("b"));
}

#[tokio::test]
async fn multipart_parts_that_complete_does_not_name_are_dropped() {
    let server = Server::shared();
    let bucket = Bucket::create(&server, State::Enabled).await;
    let upload = Upload::create(&server, &bucket, "k", &[]);
    upload.part(1, b"unused").expect_status(200);
    let used = upload.part(2, b"used").expect_status(200);
    upload.complete(&[(2, etag_of(&used))]).expect_status(200);
    assert_eq!(bucket.get("k").await.expect("there"), b"used");
}

#[tokio::test]
async fn rule_15_a_part_uploaded_again_replaces_the_first() {
    let server = Server::shared();
    let bucket = Bucket::create(&server, State::Enabled).await;
    let upload = Upload::create(&server, &bucket, "k", &[]);
    let first = upload.part(1, b"first").expect_status(200);
    let second = upload.part(1, b"second").expect_status(200);
    upload.complete(&[(1, etag_of(&first))]).expect_error(400, "InvalidPart");
    upload.complete(&[(1, etag_of(&second))]).expect_status(200);
    assert_eq!(bucket.get("k").await.expect("there"), b"second");
}

#[tokio::test]
async fn multipart_parts_are_listed_in_pages() {
    let server = Server::shared();
    let bucket = Bucket::create(&server, State::Enabled).await;
    let upload = Upload::create(&server, &bucket, "k", &[]);
    for number in [1, 3, 5, 7, 10_000] {
        upload.part(number, &number.to_le_bytes()).expect_status(200);
    }
    let (mut seen, mut marker) = (Vec::new(), "0".to_owned());
    loop {
        let request = upload.request("GET").query("max-parts", "2").query("part-number-marker", &marker);
        let page = send(&server, request).expect_status(200);
        seen.extend(page.elements("PartNumber"));
        if page.element("IsTruncated").as_deref() != Some("true") {
            break;
        }
        marker = page.element("NextPartNumberMarker").expect("truncated");
    }
    assert_eq!(seen, ["1", "3", "5", "7", "10000"]);
    let whole = send(&server, upload.request("GET")).expect_status(200);
    assert_eq!(whole.elements("Size"), ["2"; 5]);
    assert_eq!(whole.element("UploadId").as_deref(), Some(upload.id()));
}

#[tokio::test]
async fn multipart_uploads_are_listed_in_pages_with_prefix_and_delimiter() {
    let server = Server::shared();
    let bucket = Bucket::create(&server, State::Enabled).await;
    let keys = ["a", "a", "a", "b", "dir/x", "dir/y"];
    let uploads: Vec<Upload<'_>> =
        keys.iter().map(|key| Upload::create(&server, &bucket, key, &[])).collect();
    let list = |query: &[(&str, &str)]| {
        let request = Request::new("GET", &format!("/{}?uploads", bucket.name));
        let request = query.iter().fold(request, |request, (name, value)| request.query(name, value));
        send(&server, request).expect_status(200)
    };
    let (mut seen, mut markers) = (Vec::new(), (String::new(), String::new()));
    loop {
        let (key, id) = &markers;
        let page = list(&[("max-uploads", "2"), ("key-marker", key), ("upload-id-marker", id)]);
        seen.extend(page.elements("Upload").iter().map(|text| {
            let id = text.split("<UploadId>").nth(1).and_then(|rest| rest.split('<').next());
            id.expect("UploadId").to_owned()
        }));
        if page.element("IsTruncated").as_deref() != Some("true") {
            break;
        }
        let next = |name: &str| page.element(name).expect("truncated");
        markers = (next("NextKeyMarker"), next("NextUploadIdMarker"));
    }
    let mut expected: Vec<String> = uploads.iter().map(|upload| upload.id().to_owned()).collect();
    assert_eq!(seen.len(), expected.len());
    expected.sort();
    seen.sort();
    assert_eq!(seen, expected);
    let folded = list(&[("delimiter", "/")]);
    assert_eq!(folded.elements("CommonPrefixes"), ["<Prefix>dir/</Prefix>"]);
    assert_eq!(list(&[("prefix", "dir/")]).elements("Key"), ["dir/x", "dir/y"]);
}

#[tokio::test]
async fn multipart_abort_forgets_the_upload_and_leaves_no_version() {
    let server = Server::shared();
    let bucket = Bucket::create(&server, State::Enabled).await;
    let upload = Upload::create(&server, &bucket, "k", &[]);
    let part = upload.part(1, b"x").expect_status(200);
    upload.abort().expect_status(204);
    upload.part(2, b"y").expect_error(404, "NoSuchUpload");
    upload.complete(&[(1, etag_of(&part))]).expect_error(404, "NoSuchUpload");
    send(&server, upload.request("GET")).expect_error(404, "NoSuchUpload");
    let list = send(&server, Request::new("GET", &format!("/{}?uploads", bucket.name))).expect_status(200);
    assert_eq!(list.elements("UploadId"), Vec::<String>::new());
    assert_eq!(bucket.rows().await, []);
}

#[tokio::test]
async fn rule_17_a_replayed_complete_returns_the_first_reply() {
    let server = Server::shared();
    let bucket = Bucket::create(&server, State::Enabled).await;
    let upload = Upload::create(&server, &bucket, "k", &[]);
    let part = upload.part(1, b"x").expect_status(200);
    let parts = [(1, etag_of(&part))];
    let first = upload.complete(&parts).expect_status(200);
    // Something newer came; the replay must neither hide it nor add a version.
    let newer = bucket.put_id("k", b"newer").await;
    let again = upload.complete(&parts).expect_status(200);
    assert_eq!(again.header("x-amz-version-id"), first.header("x-amz-version-id"));
    assert_eq!(again.element("ETag"), first.element("ETag"));
    assert_eq!(bucket.history("k").await.len(), 2);
    assert_eq!(bucket.history("k").await[0].0, newer);
}

#[tokio::test]
async fn rule_17_a_replay_is_recognised_before_conditions_are_evaluated() {
    let server = Server::shared();
    let bucket = Bucket::create(&server, State::Enabled).await;
    let upload = Upload::create(&server, &bucket, "k", &[]);
    let part = upload.part(1, b"x").expect_status(200);
    let complete =
        || send(&server, upload.complete_request(&[(1, etag_of(&part))]).header("if-none-match", "*"));
    let first = complete().expect_status(200);
    let again = complete().expect_status(200);
    assert_eq!(again.header("x-amz-version-id"), first.header("x-amz-version-id"));
    assert_eq!(bucket.history("k").await.len(), 1);
}

#[tokio::test]
async fn multipart_concurrent_completes_of_one_upload_make_one_version() {
    let server = Server::shared();
    let bucket = Bucket::create(&server, State::Enabled).await;
    let upload = Upload::create(&server, &bucket, "k", &[]);
    let part = upload.part(1, b"x").expect_status(200);
    let parts = [(1, etag_of(&part))];
    let replies: Vec<Response> = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..8).map(|_| scope.spawn(|| upload.complete(&parts))).collect();
        threads.into_iter().map(|thread| thread.join().expect("no panic")).collect()
    });
    let ids: std::collections::BTreeSet<_> = replies
        .into_iter()
        .map(|reply| reply.expect_status(200).header("x-amz-version-id").map(str::to_owned))
        .collect();
    assert_eq!(ids.len(), 1, "all got the same reply");
    assert_eq!(bucket.history("k").await.len(), 1);
}
