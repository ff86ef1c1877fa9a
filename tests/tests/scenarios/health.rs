//! What probes are told of a node, over HTTP and by `esker health`.

use e2e::bucket::{Bucket, State};
use e2e::http::{metric, try_exchange, upload};
use e2e::program::{Finished, run};
use e2e::request::Request;
use e2e::server::{Options, Server, esker, scratch_dir};
use e2e::wait::eventually;
use serde_json::{Value, json};
use std::net::{SocketAddr, TcpListener};
use std::time::Duration;

const PATIENCE: Duration = Duration::from_secs(60);

/// What a console answers: status code, content type, body.
fn ask(console: SocketAddr, path: &str) -> (u16, String, Value) {
    let request = format!("GET {path} HTTP/1.1\r\nhost: console\r\nconnection: close\r\n\r\n");
    let reply = try_exchange(console, request.as_bytes(), PATIENCE).expect("an answer");
    let content_type = reply.header("content-type").unwrap_or_default().to_owned();
    (reply.status, content_type, serde_json::from_str(&reply.text()).expect("JSON"))
}

fn health(args: &[&str]) -> Finished {
    run(esker().arg("health").args(args))
}

#[test]
fn health_of_a_node_that_serves_is_ok_in_every_way_that_it_is_asked() {
    let server = Server::start();
    let console = server.console();
    for check in ["live", "ready", "cluster"] {
        let ok = json!({ "check": check, "status": "ok", "reasons": [] });
        let answer = (200, "application/json".to_owned(), ok);
        assert_eq!(ask(console, &format!("/health/{check}")), answer);
        let told = health(&["--address", &console.to_string(), &format!("--{check}")]).success();
        assert_eq!(told, format!("{console} is healthy\n"));
    }
    let by_default = run(esker().arg("health").env("ESKER_CONSOLE_ADDRESS", console.to_string()));
    by_default.success();
    let everywhere = format!("0.0.0.0:{}", console.port());
    assert_eq!(health(&["--address", &everywhere]).code, Some(0), "a listener's own setting is understood");
}

#[test]
fn health_is_read_from_the_console_that_the_configuration_names() {
    let server = Server::start();
    let directory = scratch_dir();
    let file = directory.path().join("esker.toml");
    std::fs::write(&file, format!("console_address = \"{}\"\n", server.console())).expect("it is ours");
    health(&["--config", file.to_str().expect("UTF-8")]).success();
}

#[test]
fn health_of_nobody_is_told_by_the_exit_code_and_in_time() {
    let silent = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let address = silent.local_addr().expect("it is bound").to_string();
    let mute = health(&["--address", &address, "--timeout", "1"]);
    assert!(mute.code == Some(2) && mute.stderr.contains("not within 1 s"), "{mute:?}");
    drop(silent);
    let refused = health(&["--address", &address]);
    assert!(refused.code == Some(2) && refused.stderr.contains(&address), "{refused:?}");
    // Something answers there, and it is no console.
    let server = Server::start();
    let other = health(&["--address", &server.s3().to_string()]);
    assert!(other.code == Some(2) && other.stderr.contains("something else"), "{other:?}");
}

#[test]
fn health_asked_in_a_wrong_way_is_wrong_usage() {
    for args in
        [&["--live", "--ready"][..], &["--timeout", "0"], &["--no-such-flag"], &["--config", "/nonexistent"]]
    {
        assert_eq!(health(args).code, Some(2), "{args:?}");
    }
}

#[tokio::test]
async fn health_of_a_node_that_is_being_stopped_is_live_and_not_ready() {
    let mut server = Server::start_with(Options::default().args(&["--drain-seconds", "600"]));
    let bucket = Bucket::create(&server, State::Unversioned).await;
    let console = server.console().to_string();
    let mut pieces = 0;
    let mut failing = None;
    // A request under way keeps the node from exiting; its body is half sent when the signal comes.
    let reply = upload(&server, Request::new("PUT", &format!("/{}/k", bucket.name)), 8 << 20, |buffer| {
        buffer.fill(b'x');
        pieces += 1;
        if pieces == 4 {
            let begun = || match metric(&server, "esker_gateway_requests_in_flight") {
                0 => Err("the request has not begun".to_owned()),
                _ => Ok(()),
            };
            eventually("the request begins", PATIENCE, begun).unwrap_or_else(|why| panic!("{why}"));
            server.sigterm();
            let told = eventually("the node is not ready", PATIENCE, || {
                let told = health(&["--address", &console]);
                if told.code == Some(1) { Ok(told) } else { Err(format!("{told:?}")) }
            });
            failing = Some(told.unwrap_or_else(|why| panic!("{why}")));
            health(&["--address", &console, "--live"]).success();
        }
    });
    reply.expect("an answer").expect_status(200);
    let failing = failing.expect("it was asked");
    assert!(failing.stderr.contains("told to stop"), "{failing:?}");
    assert!(server.wait().success());
}
