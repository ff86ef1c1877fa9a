//! The AWS CLI as a user with many or large files types it.

use e2e::bucket::unique_name;
use e2e::payload;
use e2e::program::AwsCli;
use e2e::server::Server;

fn bucket(aws: &AwsCli<'_>) -> String {
    let bucket = unique_name();
    aws.ok(&["s3", "mb", &format!("s3://{bucket}")]);
    let call = ["s3api", "put-bucket-versioning", "--bucket", &bucket];
    aws.ok(&[&call[..], &["--versioning-configuration", "Status=Enabled"]].concat());
    bucket
}

#[test]
fn aws_cli_syncs_a_folder_up_and_down_and_only_what_changed() {
    let server = Server::shared();
    let aws = AwsCli::new(&server);
    let url = format!("s3://{}/backup", bucket(&aws));
    for n in 0..12_u8 {
        aws.write(&format!("up/dir{}/file {n}+ü.txt", n % 3), &[n; 100]);
    }
    let first = aws.ok(&["s3", "sync", "up", &url]);
    assert_eq!(first.matches("upload: ").count(), 12, "{first}");
    let again = aws.ok(&["s3", "sync", "up", &url]);
    assert_eq!(again.matches("upload: ").count(), 0, "{again}");
    aws.write("up/dir0/file 0+ü.txt", b"changed, and longer or shorter");
    std::fs::remove_file(aws.dir().join("up/dir1/file 1+ü.txt")).expect("the file is there");
    let changed = aws.ok(&["s3", "sync", "up", &url, "--delete"]);
    assert_eq!(
        (changed.matches("upload: ").count(), changed.matches("delete: ").count()),
        (1, 1),
        "{changed}"
    );
    aws.ok(&["s3", "sync", &url, "down"]);
    assert_eq!(aws.read("down/dir0/file 0+ü.txt"), b"changed, and longer or shorter");
    assert_eq!(aws.read("down/dir2/file 11+ü.txt"), [11; 100]);
    assert!(!aws.dir().join("down/dir1/file 1+ü.txt").exists());
}

#[test]
fn aws_cli_lists_folders_and_everything_below() {
    let server = Server::shared();
    let aws = AwsCli::new(&server);
    let bucket = bucket(&aws);
    aws.write("f", b"12345");
    for key in ["top", "dir/one", "dir/two"] {
        aws.ok(&["s3", "cp", "f", &format!("s3://{bucket}/{key}")]);
    }
    aws.ok(&["s3", "rm", &format!("s3://{bucket}/dir/two")]);
    let top = aws.ok(&["s3", "ls", &format!("s3://{bucket}/")]);
    assert!(top.contains("PRE dir/") && top.contains(" 5 top"), "{top}");
    let all = aws.ok(&["s3", "ls", "--recursive", "--summarize", &format!("s3://{bucket}")]);
    assert!(all.contains("Total Objects: 2") && all.contains("dir/one") && !all.contains("dir/two"), "{all}");
}

#[test]
fn aws_cli_copies_a_large_file_in_parts_up_across_and_down() {
    let server = Server::shared();
    let aws = AwsCli::new(&server);
    let bucket = bucket(&aws);
    let body = payload::bytes(1, (30 << 20) + 7);
    aws.write("large", &body);
    aws.ok(&["s3", "cp", "large", &format!("s3://{bucket}/large")]);
    let head = aws.json(&["s3api", "head-object", "--bucket", &bucket, "--key", "large"]);
    let etag = head["ETag"].as_str().expect("ETag").to_owned();
    assert!(etag.trim_matches('"').ends_with("-4"), "30 MiB in parts of 8 MiB: {etag}");
    aws.ok(&["s3", "cp", &format!("s3://{bucket}/large"), "down"]);
    assert!(aws.read("down") == body);
    // Across the bucket, as a server-side copy of parts.
    aws.ok(&["s3", "cp", &format!("s3://{bucket}/large"), &format!("s3://{bucket}/copy")]);
    aws.ok(&["s3", "cp", &format!("s3://{bucket}/copy"), "copied"]);
    assert!(aws.read("copied") == body);
}

#[test]
fn aws_cli_moves_objects_and_leaves_their_history() {
    let server = Server::shared();
    let aws = AwsCli::new(&server);
    let bucket = bucket(&aws);
    aws.write("f", b"moved");
    aws.ok(&["s3", "mv", "f", &format!("s3://{bucket}/a")]);
    assert!(!aws.dir().join("f").exists());
    aws.ok(&["s3", "mv", &format!("s3://{bucket}/a"), &format!("s3://{bucket}/b")]);
    aws.ok(&["s3", "cp", &format!("s3://{bucket}/b"), "b"]);
    assert_eq!(aws.read("b"), b"moved");
    let listed = aws.json(&["s3api", "list-object-versions", "--bucket", &bucket, "--prefix", "a"]);
    assert_eq!(listed["Versions"].as_array().map(Vec::len), Some(1), "the source's version is kept");
    assert_eq!(listed["DeleteMarkers"].as_array().map(Vec::len), Some(1));
}

#[test]
fn aws_cli_streams_from_and_to_a_pipe() {
    let server = Server::shared();
    let aws = AwsCli::new(&server);
    let bucket = bucket(&aws);
    aws.write("f", b"piped");
    aws.ok(&[
        "s3",
        "cp",
        "f",
        &format!("s3://{bucket}/k"),
        "--metadata",
        "a=b",
        "--content-type",
        "text/x-test",
    ]);
    assert_eq!(aws.ok(&["s3", "cp", &format!("s3://{bucket}/k"), "-"]), "piped");
    let head = aws.json(&["s3api", "head-object", "--bucket", &bucket, "--key", "k"]);
    assert_eq!((&head["Metadata"]["a"], &head["ContentType"]), (&"b".into(), &"text/x-test".into()));
}
