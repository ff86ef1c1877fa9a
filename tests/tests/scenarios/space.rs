//! A disk that fills up: writes get a clear error, nothing is half-stored, reads go on, and writes go on once
//! there is space again.

use e2e::bucket::{Bucket, State};
use e2e::http;
use e2e::payload;
use e2e::request::{Request, path_of};
use e2e::sdk;
use e2e::server::{Options, Server, scratch_dir};
use std::path::Path;
use std::process::Command;
use std::sync::Arc;

/// A file system in memory, unmounted when dropped.
struct SmallDisk(Arc<tempfile::TempDir>);

impl SmallDisk {
    /// `None` where the user may not mount.
    fn mount(mebibytes: u32) -> Option<SmallDisk> {
        let dir = scratch_dir();
        let size = format!("size={mebibytes}m");
        let mounted =
            Command::new("mount").args(["-t", "tmpfs", "-o", &size, "tmpfs"]).arg(dir.path()).status();
        let disk = SmallDisk(Arc::new(dir));
        mounted.is_ok_and(|status| status.success()).then_some(disk)
    }

    fn path(&self) -> &Path {
        self.0.path()
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        // Lazily: the server may be on its way out.
        let _ = Command::new("umount").arg("-l").arg(self.0.path()).status();
    }
}

fn put(server: &Server, bucket: &Bucket, key: &str, body: &[u8]) -> http::Response {
    http::send(server, Request::new("PUT", &path_of(&bucket.name, key)).body(body))
}

#[tokio::test]
async fn a_full_disk_refuses_writes_keeps_reads_and_recovers() {
    let Some(disk) = SmallDisk::mount(512) else {
        assert!(std::env::var_os("CI").is_none(), "CI mounts a small disk");
        e2e::report::note("skipped: a full disk needs the right to mount");
        return;
    };
    // The data directory is one level down, so that other files can take the disk's space.
    std::fs::write(disk.path().join("filler"), vec![1; 150 << 20]).expect("there is space");
    let data_dir = disk.path().join("data");
    let options = Options::default().args(&["--disk-reserve-bytes", "33554432"]);
    let server = Server::start_in(&data_dir, options).unwrap_or_else(|failure| panic!("{failure}"));
    let bucket = Bucket::create(&server, State::Enabled).await;

    let body = payload::bytes(7, 8 << 20);
    let mut stored = Vec::new();
    let refusal = loop {
        let key = format!("k{}", stored.len());
        let reply = put(&server, &bucket, &key, &body);
        if reply.status != 200 {
            break reply;
        }
        stored.push(key);
        assert!(stored.len() < 64, "a disk of 512 MiB took 64 objects of 8 MiB");
    };
    refusal.expect_error(507, "InsufficientStorage");
    assert!(!stored.is_empty(), "the disk was full from the start, so nothing was tested");

    // Nothing half-stored; what was acknowledged is there with its bytes.
    let rows = bucket.rows().await;
    assert_eq!(rows.len(), stored.len());
    for key in &stored {
        assert!(bucket.get(key).await.expect("stored") == body, "{key}");
    }
    // Deletes go on: they make space.
    bucket.delete(&stored[0]).await;

    std::fs::remove_file(disk.path().join("filler")).expect("the filler is there");
    put(&server, &bucket, "after", &body).expect_status(200);
    assert!(bucket.get("after").await.expect("stored") == body);
    drop(server);

    // And all of it survives a restart.
    let server =
        Server::start_in(&data_dir, Options::default()).unwrap_or_else(|failure| panic!("{failure}"));
    let bucket = Bucket { client: sdk::client(&server), ..bucket };
    assert_eq!(bucket.rows().await.len(), stored.len() + 2);
    assert!(bucket.get("after").await.expect("stored") == body);
}
