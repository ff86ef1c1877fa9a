//! Parts of the data directory that are lost, damaged or of another time: the server says so, and never starts as
//! if nothing had been there.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;

use e2e::bucket::{Bucket, State};
use e2e::payload;
use e2e::sdk;
use e2e::server::{Options, Server, scratch_dir};
use tempfile::TempDir;

const SMALL: &[u8] = b"kept in the index";

fn large() -> Vec<u8> {
    payload::bytes(1, 200_000)
}

/// A data directory that a killed server left, with one small and one large object.
struct Left {
    dir: TempDir,
    bucket: Bucket,
}

impl Left {
    async fn by_kill_9() -> Left {
        let dir = scratch_dir();
        let mut server =
            Server::start_in(dir.path(), Options::default()).unwrap_or_else(|failure| panic!("{failure}"));
        let bucket = Bucket::create(&server, State::Enabled).await;
        bucket.put("small", SMALL).await;
        bucket.put("large", &large()).await;
        server.kill9();
        Left { dir, bucket }
    }

    fn copy(&self) -> Arc<TempDir> {
        let copy = scratch_dir();
        let source = self.dir.path().join(".");
        let copied = Command::new("cp").arg("-a").arg(source).arg(copy.path()).status();
        assert!(copied.is_ok_and(|status| status.success()), "the directory can be copied");
        Arc::new(copy)
    }

    /// Starts a server on a copy, after `harm`.
    fn start(&self, harm: impl Fn(&Path), args: &[&str]) -> Result<Server, String> {
        let copy = self.copy();
        harm(copy.path());
        Server::start_on(&copy, Options::default().args(args))
    }

    /// What a server says that does not start after `harm`.
    fn refusal(&self, harm: impl Fn(&Path)) -> String {
        self.start(harm, &[]).err().expect("a server that lost something does not start")
    }

    fn seen_by(&self, server: &Server) -> Bucket {
        Bucket { client: sdk::client(server), ..self.bucket.clone() }
    }
}

fn remove(dir: &Path, names: &[&str]) {
    for name in names {
        std::fs::remove_dir_all(dir.join(name)).expect("it is there");
    }
}

fn newest_log(dir: &Path) -> PathBuf {
    let listed = std::fs::read_dir(dir.join("wal")).expect("there is a log");
    let paths = listed.map(|entry| entry.expect("readable").path());
    paths.filter(|path| path.extension().is_some_and(|it| it == "wal")).max().expect("a segment")
}

#[tokio::test]
async fn a_lost_log_is_refused_whatever_else_is_lost() {
    let left = Left::by_kill_9().await;
    for lost in [&["wal"][..], &["wal", "kv"], &["wal", "segments"], &["wal", "kv", "segments"]] {
        let refusal = left.refusal(|dir| remove(dir, lost));
        assert!(
            refusal.contains("wal is gone, and with it votes and acknowledged writes"),
            "{lost:?}: {refusal}"
        );
    }
}

#[tokio::test]
async fn a_damaged_or_shortened_log_is_refused() {
    let left = Left::by_kill_9().await;
    let damaged = left.refusal(|dir| {
        let path = newest_log(dir);
        let mut bytes = std::fs::read(&path).expect("a log");
        // Within the first frames, behind the header of 4096 bytes.
        bytes[4200] ^= 0xff;
        std::fs::write(&path, bytes).expect("written");
    });
    assert!(damaged.contains("the log is damaged"), "{damaged}");
    let shortened = left.refusal(|dir| {
        let file = std::fs::File::options().write(true).open(newest_log(dir)).expect("a log");
        file.set_len(5000).expect("cut");
    });
    assert!(shortened.contains("the log is older than the rows"), "{shortened}");
}

#[tokio::test]
async fn lost_segments_are_refused_until_the_operator_gives_them_up() {
    let left = Left::by_kill_9().await;
    let refusal = left.refusal(|dir| remove(dir, &["segments"]));
    assert!(refusal.contains("holds no segment, but blobs were stored in it"), "{refusal}");
    assert!(refusal.contains("--rebuild-blob-index"), "{refusal}");
    let server = left
        .start(|dir| remove(dir, &["segments"]), &["--rebuild-blob-index"])
        .unwrap_or_else(|failure| panic!("{failure}"));
    let bucket = left.seen_by(&server);
    assert_eq!(bucket.rows().await.len(), 2);
    assert_eq!(bucket.get("small").await.as_deref(), Some(SMALL));
    let call = bucket.client.get_object().bucket(&bucket.name).key("large").send().await;
    let status = call.err().and_then(|error| error.raw_response().map(|reply| reply.status().as_u16()));
    assert_eq!(status, Some(500), "an object whose data is lost is an error, not an absent key");
}

#[tokio::test]
async fn a_lost_engine_is_rebuilt_from_a_log_and_segments_that_are_whole() {
    let left = Left::by_kill_9().await;
    let server = left.start(|dir| remove(dir, &["kv"]), &[]).unwrap_or_else(|failure| panic!("{failure}"));
    let bucket = left.seen_by(&server);
    assert_eq!(bucket.get("small").await.as_deref(), Some(SMALL));
    assert!(bucket.get("large").await == Some(large()));
}
