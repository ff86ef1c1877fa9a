//! Buckets: names, regions, versioning documents, deletion, the list of all.

use e2e::bucket::{Bucket, STATES, State, unique_name};
use e2e::http::{Response, send};
use e2e::request::Request;
use e2e::sdk::{assert_fails, client};
use e2e::server::{Options, Server};

fn put_versioning(server: &Server, bucket: &Bucket, xml: &str) -> Response {
    send(server, Request::new("PUT", &format!("/{}?versioning", bucket.name)).body(xml))
}

fn get_versioning(server: &Server, bucket: &Bucket) -> Option<String> {
    let response = send(server, Request::new("GET", &format!("/{}?versioning", bucket.name)));
    response.expect_status(200).element("Status")
}

#[tokio::test]
async fn rule_22_versioning_never_configured_has_no_status() {
    let server = Server::shared();
    let bucket = Bucket::create(&server, State::Unversioned).await;
    assert_eq!(get_versioning(&server, &bucket), None);
}

#[tokio::test]
async fn rule_22_versioning_documents() {
    let server = Server::shared();
    let bucket = Bucket::create(&server, State::Unversioned).await;
    let document = |inner: &str| format!("<VersioningConfiguration>{inner}</VersioningConfiguration>");
    let put = |inner: &str| put_versioning(&server, &bucket, &document(inner));
    put("<Status>enabled</Status>").expect_error(400, "MalformedXML");
    put("<Status>Disabled</Status>").expect_error(400, "MalformedXML");
    put("").expect_error(400, "IllegalVersioningConfigurationException");
    assert_eq!(get_versioning(&server, &bucket), None, "nothing was changed");
    for status in ["Suspended", "Suspended", "Enabled", "Enabled", "Suspended"] {
        put(&format!("<Status>{status}</Status>")).expect_status(200);
        assert_eq!(get_versioning(&server, &bucket).as_deref(), Some(status));
    }
}

#[tokio::test]
async fn rule_28_bucket_names() {
    let server = Server::shared();
    let long = "a".repeat(64);
    for name in ["ab", "Abc", "a_b", "-abc", "abc-", "a..b", "a.-b", "192.168.5.4", "x--at-2026-01-01", &long]
    {
        send(&server, Request::new("PUT", &format!("/{name}"))).expect_error(400, "InvalidBucketName");
    }
    let name = format!("{}.with-dots", unique_name());
    send(&server, Request::new("PUT", &format!("/{name}"))).expect_status(200);
    send(&server, Request::new("HEAD", &format!("/{name}"))).expect_status(200);
}

#[tokio::test]
async fn rule_29_creating_a_bucket_again_changes_nothing() {
    let server = Server::shared();
    let bucket = Bucket::create(&server, State::Enabled).await;
    let id = bucket.put_id("k", b"one").await;
    let again = bucket.client.create_bucket().bucket(&bucket.name).send().await;
    assert_fails(again, 409, "BucketAlreadyOwnedByYou");
    assert_eq!(get_versioning(&server, &bucket).as_deref(), Some("Enabled"));
    assert_eq!(bucket.get_version("k", &id).await.expect("there"), b"one");
}

#[tokio::test]
async fn rule_30_location_constraint_must_be_the_servers_region() {
    let server = Server::start_with(Options::default().args(&["--region", "eu-west-1"]));
    let signer = e2e::sigv4::Signer { region: "eu-west-1".to_owned(), ..e2e::sigv4::Signer::root(&server) };
    let send = |request: Request| e2e::http::send_unsigned(&server, &signer.sign(request));
    let create = |name: &str, region: &str| {
        let location = format!("<LocationConstraint>{region}</LocationConstraint>");
        let xml = format!("<CreateBucketConfiguration>{location}</CreateBucketConfiguration>");
        send(Request::new("PUT", &format!("/{name}")).body(xml))
    };
    create("wrong-region", "eu-central-1").expect_error(400, "IllegalLocationConstraintException");
    create("right-region", "eu-west-1").expect_status(200);
    send(Request::new("PUT", "/no-region")).expect_status(200);
    create("empty-region", "").expect_status(200);
    let head = send(Request::new("HEAD", "/right-region")).expect_status(200);
    assert_eq!(head.header("x-amz-bucket-region"), Some("eu-west-1"));
    let location = send(Request::new("GET", "/right-region?location")).expect_status(200);
    assert!(location.text().contains(">eu-west-1</LocationConstraint>"), "{}", location.text());
    send(Request::new("HEAD", "/wrong-region")).expect_status(404);
}

#[tokio::test]
async fn rule_30_location_of_us_east_1_is_empty() {
    let server = Server::shared();
    let bucket = Bucket::create(&server, State::Unversioned).await;
    let location =
        send(&server, Request::new("GET", &format!("/{}?location", bucket.name))).expect_status(200);
    assert!(location.text().contains("<LocationConstraint"), "{}", location.text());
    assert!(!location.text().contains("us-east-1"), "{}", location.text());
    let head = send(&server, Request::new("HEAD", &format!("/{}", bucket.name))).expect_status(200);
    assert_eq!(head.header("x-amz-bucket-region"), Some("us-east-1"));
}

#[tokio::test]
async fn rule_31_a_bucket_with_versions_or_markers_is_not_empty() {
    let server = Server::shared();
    let bucket = Bucket::create(&server, State::Enabled).await;
    let version = bucket.put_id("k", b"one").await;
    let marker = bucket.delete_id("k").await;
    let delete = || bucket.client.delete_bucket().bucket(&bucket.name).send();
    assert_fails(delete().await, 409, "BucketNotEmpty");
    bucket.delete_version("k", &version).await;
    assert_fails(delete().await, 409, "BucketNotEmpty");
    bucket.delete_version("k", &marker).await;
    delete().await.expect("an empty bucket");
    assert_fails(bucket.client.list_object_versions().bucket(&bucket.name).send().await, 404, "NoSuchBucket");
}

#[tokio::test]
async fn rule_31_open_uploads_do_not_block_the_deletion_of_a_bucket() {
    let server = Server::shared();
    for state in STATES {
        let bucket = Bucket::create(&server, state).await;
        let (client, name) = (&bucket.client, &bucket.name);
        let upload = client.create_multipart_upload().bucket(name).key("k").send().await.expect("Create");
        let upload = upload.upload_id.expect("an upload id");
        client.delete_bucket().bucket(name).send().await.expect("DeleteBucket");
        // A bucket of the same name is another bucket: it knows nothing of the upload.
        client.create_bucket().bucket(name).send().await.expect("CreateBucket");
        let parts = client.list_parts().bucket(name).key("k").upload_id(upload).send().await;
        assert_fails(parts, 404, "NoSuchUpload");
        assert_eq!(get_versioning(&server, &bucket), None);
    }
}

#[tokio::test]
async fn rule_32_buckets_are_listed_in_pages_and_by_prefix() {
    let server = Server::start();
    let client = client(&server);
    let mut names: Vec<String> =
        (0..5).map(|n| format!("first-{n}")).chain((0..3).map(|n| format!("second-{n}"))).collect();
    for name in &names {
        client.create_bucket().bucket(name).send().await.expect("CreateBucket");
    }
    let all = send(&server, Request::new("GET", "/")).expect_status(200);
    names.sort();
    assert_eq!(all.elements("Name"), names);
    assert_eq!(all.element("ContinuationToken"), None, "only where there is more");

    let (mut seen, mut token) = (Vec::new(), None);
    loop {
        let call = client.list_buckets().prefix("first-").max_buckets(2).set_continuation_token(token);
        let page = call.send().await.expect("ListBuckets");
        assert!(page.buckets().len() <= 2);
        seen.extend(page.buckets().iter().filter_map(|bucket| bucket.name.clone()));
        token = page.continuation_token;
        if token.is_none() {
            break;
        }
    }
    assert_eq!(seen, names[..5]);
    for wrong in ["0", "10001", "x"] {
        send(&server, Request::new("GET", &format!("/?max-buckets={wrong}")))
            .expect_error(400, "InvalidArgument");
    }
}

#[tokio::test]
async fn buckets_that_do_not_exist_say_so_for_every_operation() {
    let server = Server::shared();
    let name = unique_name();
    for (method, target) in [
        ("GET", format!("/{name}")),
        ("GET", format!("/{name}?versions")),
        ("GET", format!("/{name}?versioning")),
        ("GET", format!("/{name}/k")),
        ("PUT", format!("/{name}/k")),
        ("DELETE", format!("/{name}/k")),
        ("DELETE", format!("/{name}")),
        ("POST", format!("/{name}/k?uploads")),
    ] {
        send(&server, Request::new(method, &target)).expect_error(404, "NoSuchBucket");
    }
    send(&server, Request::new("HEAD", &format!("/{name}"))).expect_status(404);
}

#[tokio::test]
async fn rule_33_sub_resources_that_are_not_implemented_say_so() {
    let server = Server::shared();
    let bucket = Bucket::create(&server, State::Enabled).await;
    bucket.put("k", b"one").await;
    for name in ["website", "accelerate", "requestPayment", "inventory", "analytics", "metrics"] {
        let get = Request::new("GET", &format!("/{}?{name}", bucket.name));
        send(&server, get).expect_error(501, "NotImplemented");
    }
    let torrent = Request::new("GET", &format!("/{}/k?torrent", bucket.name));
    send(&server, torrent).expect_error(501, "NotImplemented");
    // Never a fall-through: a PUT of a sub-resource that is not known must not write the object.
    let put = Request::new("PUT", &format!("/{}/k?torrent", bucket.name)).body("x");
    send(&server, put).expect_error(501, "NotImplemented");
    let other = Request::new("GET", &format!("/{}/k?x-id=GetObject", bucket.name));
    assert_eq!(send(&server, other).expect_status(200).body, b"one");
}
