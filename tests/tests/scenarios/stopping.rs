//! How a server stops: whenever it is told to, and so that a load balancer notices first.

use e2e::bucket::{Bucket, State};
use e2e::http;
use e2e::output::Output;
use e2e::sdk;
use e2e::server::{Options, Server, esker, scratch_dir};
use e2e::wait::eventually;
use rustix::process::{Pid, Signal, kill_process};
use std::net::TcpListener;
use std::process::Stdio;
use std::time::Duration;

const PATIENCE: Duration = Duration::from_secs(60);

/// An address that was free a moment ago.
fn free_address() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    listener.local_addr().expect("an address").to_string()
}

#[test]
fn stopping_while_it_waits_for_peers_ends_a_server_with_success() {
    let directory = scratch_dir();
    let (own, nobody) = (free_address(), free_address());
    let mut command = esker();
    command.args(["server", "--address", "127.0.0.1:0", "--console-address", "127.0.0.1:0", "--data-dir"]);
    command.arg(directory.path()).args(["--cluster-address", &own, "--peers", &format!("{own},{nobody}")]);
    command.env("ESKER_CLUSTER_SECRET", "0123456789abcdef").stdout(Stdio::null()).stderr(Stdio::piped());
    let mut child = command.spawn().expect("the binary can be run");
    let output = Output::default();
    output.collect(child.stderr.take().expect("piped"));
    let waits = eventually("it waits for its peer", PATIENCE, || match output.lines().join("\n") {
        said if said.contains("waiting for") => Ok(()),
        said => Err(said),
    });
    waits.unwrap_or_else(|why| panic!("{why}"));
    let pid = i32::try_from(child.id()).expect("process ids fit an i32");
    kill_process(Pid::from_raw(pid).expect("a process id is not 0"), Signal::TERM).expect("it runs");
    assert!(output.await_end(PATIENCE), "it goes on: {:?}", output.lines());
    let status = child.wait().expect("it was not waited for yet");
    assert_eq!(status.code(), Some(0), "{status}: {:?}", output.lines());
}

#[tokio::test(flavor = "multi_thread")]
async fn stopping_with_notice_is_told_at_once_and_serves_on_meanwhile() {
    let mut server = Server::start_with(Options::default().args(&["--stop-notice-seconds", "15"]));
    let bucket = Bucket::create(&server, State::Enabled).await;
    assert_eq!(ready(&server), 200);
    server.sigterm();
    let told = eventually("it says that it is not ready", PATIENCE, || match ready(&server) {
        503 => Ok(()),
        status => Err(status.to_string()),
    });
    told.unwrap_or_else(|why| panic!("{why}"));
    // On a connection of its own, as clients come that have not heard.
    let newcomer = Bucket { client: sdk::client(&server), ..bucket.clone() };
    let id = newcomer.put_id("key", b"in time").await;
    assert_eq!(server.wait().code(), Some(0), "{}", server.logs());
    server.restart();
    let bucket = Bucket { client: sdk::client(&server), ..bucket };
    assert_eq!(bucket.get_version("key", &id).await.as_deref(), Some(&b"in time"[..]));
}

fn ready(server: &Server) -> u16 {
    let request = b"GET /health/ready HTTP/1.1\r\nhost: console\r\nconnection: close\r\n\r\n";
    http::exchange(e2e::serves::Serves::console(server), request).expect("the console answers").status
}
