//! The AWS CLI as a user of versioning types it.

use e2e::bucket::unique_name;
use e2e::http::send_unsigned;
use e2e::program::AwsCli;
use e2e::request::Request;
use e2e::server::{Options, Server};

/// A CLI and a versioned bucket made with it.
fn versioned_bucket(server: &Server) -> (AwsCli<'_>, String) {
    let (aws, bucket) = (AwsCli::new(server), unique_name());
    aws.ok(&["s3", "mb", &format!("s3://{bucket}")]);
    enable(&aws, &bucket);
    (aws, bucket)
}

fn enable(aws: &AwsCli<'_>, bucket: &str) {
    let call = ["s3api", "put-bucket-versioning", "--bucket", bucket];
    aws.ok(&[&call[..], &["--versioning-configuration", "Status=Enabled"]].concat());
}

/// Version ids of the objects below a prefix, newest first, as `list-object-versions` tells.
fn versions(aws: &AwsCli<'_>, bucket: &str, prefix: &str, list: &str) -> Vec<String> {
    let page = aws.json(&["s3api", "list-object-versions", "--bucket", bucket, "--prefix", prefix]);
    let rows = page[list].as_array().cloned().unwrap_or_default();
    rows.iter().map(|row| row["VersionId"].as_str().expect("VersionId").to_owned()).collect()
}

#[test]
fn aws_cli_creates_a_bucket_in_the_servers_region() {
    let server = Server::start_with(Options::default().args(&["--region", "eu-west-1"]));
    let (aws, bucket) = (AwsCli::in_region(&server, "eu-west-1"), unique_name());
    let create = ["s3api", "create-bucket", "--bucket", &bucket, "--create-bucket-configuration"];
    aws.ok(&[&create[..], &["LocationConstraint=eu-west-1"]].concat());
    let location = aws.json(&["s3api", "get-bucket-location", "--bucket", &bucket]);
    assert_eq!(location["LocationConstraint"], "eu-west-1");
    assert!(aws.ok(&["s3", "ls"]).contains(&bucket));
    let status = aws.json(&["s3api", "get-bucket-versioning", "--bucket", &bucket]);
    assert_eq!(status["Status"], serde_json::Value::Null, "never configured");
    enable(&aws, &bucket);
    let status = aws.json(&["s3api", "get-bucket-versioning", "--bucket", &bucket]);
    assert_eq!(status["Status"], "Enabled");
    let other = ["s3api", "create-bucket", "--bucket", "elsewhere", "--create-bucket-configuration"];
    let refused = aws.run(&[&other[..], &["LocationConstraint=eu-central-1"]].concat()).failure();
    assert!(refused.contains("IllegalLocationConstraintException"), "{refused}");
}

#[test]
fn aws_cli_overwrites_and_fetches_an_old_version() {
    let server = Server::shared();
    let (aws, bucket) = versioned_bucket(&server);
    let url = format!("s3://{bucket}/dir/k.txt");
    aws.write("one", b"one");
    aws.write("two", b"two");
    aws.ok(&["s3", "cp", "one", &url]);
    aws.ok(&["s3", "cp", "two", &url]);
    let ids = versions(&aws, &bucket, "dir/k", "Versions");
    assert_eq!(ids.len(), 2);
    aws.ok(&["s3", "cp", &url, "current"]);
    assert_eq!(aws.read("current"), b"two");
    aws.ok(&["s3", "cp", &format!("{url}?versionId={}", ids[1]), "old"]);
    assert_eq!(aws.read("old"), b"one", "the key?versionId=ID convenience");
    let get =
        ["s3api", "get-object", "--bucket", &bucket, "--key", "dir/k.txt", "--version-id", &ids[1], "api"];
    let reply = aws.json(&get);
    assert_eq!(reply["VersionId"], ids[1].as_str());
    assert_eq!(aws.read("api"), b"one");
}

#[test]
fn aws_cli_removes_and_undeletes() {
    let server = Server::shared();
    let (aws, bucket) = versioned_bucket(&server);
    let url = format!("s3://{bucket}/k");
    aws.write("one", b"one");
    aws.ok(&["s3", "cp", "one", &url]);
    aws.ok(&["s3", "rm", &url]);
    let missing = aws.run(&["s3", "cp", &url, "gone"]).failure();
    assert!(missing.contains("404") || missing.contains("NoSuchKey"), "{missing}");
    let markers = versions(&aws, &bucket, "k", "DeleteMarkers");
    assert_eq!(markers.len(), 1);
    let delete = ["s3api", "delete-object", "--bucket", &bucket, "--key", "k", "--version-id", &markers[0]];
    let reply = aws.json(&delete);
    assert_eq!(reply["DeleteMarker"], true);
    aws.ok(&["s3", "cp", &url, "back"]);
    assert_eq!(aws.read("back"), b"one");
}

#[test]
fn aws_cli_restores_an_old_version_by_copying_it_onto_its_key() {
    let server = Server::shared();
    let (aws, bucket) = versioned_bucket(&server);
    let url = format!("s3://{bucket}/k");
    for body in ["one", "two"] {
        aws.write("file", body.as_bytes());
        aws.ok(&["s3", "cp", "file", &url]);
    }
    let old = versions(&aws, &bucket, "k", "Versions")[1].clone();
    let source = format!("{bucket}/k?versionId={old}");
    let copy = ["s3api", "copy-object", "--bucket", &bucket, "--key", "k", "--copy-source", &source];
    let reply = aws.json(&copy);
    assert_eq!(reply["CopySourceVersionId"], old.as_str());
    aws.ok(&["s3", "cp", &url, "restored"]);
    assert_eq!(aws.read("restored"), b"one");
    assert_eq!(versions(&aws, &bucket, "k", "Versions").len(), 3);
}

#[test]
fn aws_cli_presigns_a_link_that_anybody_can_read() {
    let server = Server::shared();
    let (aws, bucket) = versioned_bucket(&server);
    aws.write("one", b"one");
    aws.ok(&["s3", "cp", "one", &format!("s3://{bucket}/a b+ü.txt")]);
    let link = aws.ok(&["s3", "presign", &format!("s3://{bucket}/a b+ü.txt"), "--expires-in", "60"]);
    let target = link.trim().strip_prefix(&server.endpoint()).expect("a link to the server").to_owned();
    // The target is sent as it was printed: taking it apart would hide a mistake of encoding.
    let head = format!("GET {target} HTTP/1.1\r\nhost: {}\r\nconnection: close\r\n\r\n", server.s3());
    let reply = e2e::http::exchange(server.s3(), head.as_bytes()).expect("an answer").expect_status(200);
    assert_eq!(reply.body, b"one");
    let unsigned = Request::new("GET", target.split('?').next().expect("a path"));
    send_unsigned(&server, &unsigned).expect_error(403, "AccessDenied");
}

#[test]
fn aws_cli_removes_a_bucket_with_force_only_when_no_version_is_left() {
    let server = Server::shared();
    let (aws, bucket) = versioned_bucket(&server);
    aws.write("one", b"one");
    aws.ok(&["s3", "cp", "one", &format!("s3://{bucket}/k")]);
    let refused = aws.run(&["s3", "rb", &format!("s3://{bucket}"), "--force"]);
    assert!(refused.failure().contains("BucketNotEmpty"));
    for list in ["Versions", "DeleteMarkers"] {
        for id in versions(&aws, &bucket, "", list) {
            aws.ok(&["s3api", "delete-object", "--bucket", &bucket, "--key", "k", "--version-id", &id]);
        }
    }
    aws.ok(&["s3", "rb", &format!("s3://{bucket}")]);
    assert!(!aws.ok(&["s3", "ls"]).contains(&bucket));
}
