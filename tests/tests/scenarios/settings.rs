//! How the server is started, configured and stopped.

use e2e::bucket::{Bucket, State, unique_name};
use e2e::http::{self, send_unsigned, upload};
use e2e::program::{Finished, run};
use e2e::request::Request;
use e2e::sdk;
use e2e::server::{Options, Server, esker, scratch_dir};
use e2e::sigv4::Signer;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// What the lines start with that show generated credentials: they can be pasted into a shell.
const ACCESS: &str = "  export AWS_ACCESS_KEY_ID=";
const SECRET: &str = "  export AWS_SECRET_ACCESS_KEY=";

fn esker_with(args: &[&str]) -> Finished {
    run(esker().args(args))
}

/// The region that a server says its buckets are in.
fn region_of(server: &Server, region: &str) -> Option<String> {
    let signer = Signer { region: region.to_owned(), ..Signer::root(server) };
    let name = unique_name();
    let reply = send_unsigned(server, &signer.sign(Request::new("PUT", &format!("/{name}"))));
    reply.expect_status(200);
    let head = send_unsigned(server, &signer.sign(Request::new("HEAD", &format!("/{name}"))));
    head.header("x-amz-bucket-region").map(str::to_owned)
}

fn config(directory: &Path, text: &str) -> String {
    let path = directory.join("esker.toml");
    std::fs::write(&path, text).expect("the directory is ours");
    path.to_str().expect("UTF-8").to_owned()
}

#[test]
fn settings_version_and_help_tell_what_this_is() {
    let version = esker_with(&["--version"]).success();
    assert!(version.starts_with("esker "), "{version}");
    let help = esker_with(&["--help"]).success();
    assert!(help.contains("server"), "{help}");
    let help = esker_with(&["server", "--help"]).success();
    for flag in ["--data-dir", "--address", "--console-address", "--region", "--config"] {
        assert!(help.contains(flag), "{flag} is missing in:\n{help}");
    }
}

#[test]
fn settings_unknown_flags_and_commands_are_errors() {
    for args in [&["serve"][..], &["server", "--no-such-flag"], &["server", "--address", "nonsense"]] {
        let failure = esker_with(args).failure();
        assert!(!failure.is_empty() && !failure.contains("panicked"), "{args:?}: {failure}");
    }
}

#[test]
fn settings_an_unknown_key_in_the_file_is_an_error_that_names_it() {
    let data = Arc::new(scratch_dir());
    let directory = scratch_dir();
    let file = config(directory.path(), "regoin = \"eu-west-1\"\n");
    let failure = Server::start_on(&data, Options::default().args(&["--config", &file]));
    let failure = failure.err().expect("the server refuses to start");
    assert!(failure.contains("regoin"), "{failure}");
}

#[test]
fn settings_a_file_that_is_missing_or_no_toml_is_an_error() {
    let data = Arc::new(scratch_dir());
    let directory = scratch_dir();
    let broken = config(directory.path(), "region = \n");
    for file in [broken.as_str(), "/nonexistent/esker.toml"] {
        let failure = Server::start_on(&data, Options::default().args(&["--config", file]));
        let failure = failure.err().expect("the server refuses to start");
        assert!(failure.contains("esker.toml"), "{failure}");
    }
}

#[test]
fn settings_flag_goes_before_environment_before_file() {
    let directory = scratch_dir();
    let file = config(directory.path(), "region = \"from-file-1\"\n");
    let file_only = Options::default().args(&["--config", &file]);
    assert_eq!(
        region_of(&Server::start_with(file_only.clone()), "from-file-1").as_deref(),
        Some("from-file-1")
    );
    let with_env = file_only.env("ESKER_REGION", "from-env-1");
    assert_eq!(region_of(&Server::start_with(with_env.clone()), "from-env-1").as_deref(), Some("from-env-1"));
    let with_flag = with_env.args(&["--region", "from-flag-1"]);
    assert_eq!(region_of(&Server::start_with(with_flag), "from-flag-1").as_deref(), Some("from-flag-1"));
}

#[tokio::test]
async fn settings_generated_root_credentials_are_shown_once_and_kept_privately() {
    let mut server = Server::start_with(Options::default().generated_root());
    let shown = |server: &Server, prefix: &str| {
        let logs = server.logs();
        logs.lines().find_map(|line| line.strip_prefix(prefix)).map(|rest| rest.trim().to_owned())
    };
    let access = shown(&server, ACCESS).expect("shown at the first start");
    let secret = shown(&server, SECRET).expect("shown at the first start");
    assert!(access.len() >= 16 && secret.len() >= 32, "{access}");
    let client = sdk::client_as(&server, &access, &secret, "us-east-1");
    client.create_bucket().bucket("first").send().await.expect("the credentials work");

    let holders = files_with(server.data_dir(), secret.as_bytes());
    assert!(!holders.is_empty(), "the credentials are kept, or the second start would have others");
    for path in holders {
        let mode = std::fs::metadata(&path).expect("a file").permissions().mode() & 0o777;
        assert_eq!(mode, 0o600, "{}", path.display());
    }
    assert!(server.sigterm_and_wait().success());
    server.restart();
    assert_eq!(shown(&server, ACCESS), None, "shown once only");
    assert!(!server.logs().contains(&secret));
    let client = sdk::client_as(&server, &access, &secret, "us-east-1");
    client.head_bucket().bucket("first").send().await.expect("the same credentials still work");
}

/// Files below `directory` that contain `needle`.
fn files_with(directory: &Path, needle: &[u8]) -> Vec<std::path::PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(directory).expect("a directory") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            found.extend(files_with(&path, needle));
        } else if std::fs::read(&path)
            .is_ok_and(|bytes| bytes.windows(needle.len()).any(|part| part == needle))
        {
            found.push(path);
        }
    }
    found
}

#[test]
fn settings_secrets_given_are_never_logged() {
    let server = Server::start();
    assert!(!server.logs().contains(e2e::server::SECRET_KEY), "{}", server.logs());
}

#[tokio::test]
async fn settings_a_second_server_on_the_same_data_is_refused() {
    let server = Server::start();
    let second = Server::start_on(&server.data(), Options::default());
    let failure = second.err().expect("the data directory is locked");
    assert!(failure.to_lowercase().contains("lock") || failure.contains("in use"), "{failure}");
    let bucket = Bucket::create(&server, State::Enabled).await;
    bucket.put("k", b"x").await;
    assert_eq!(bucket.get("k").await.expect("the first goes on"), b"x");
}

#[test]
fn settings_a_port_that_is_taken_is_an_error_that_names_it() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = taken.local_addr().expect("an address").to_string();
    let directory = scratch_dir();
    let mut command = esker();
    command.args(["server", "--data-dir"]).arg(directory.path()).args(["--address", &address]);
    let failure = run(command.args(["--console-address", "127.0.0.1:0"]));
    assert_ne!(failure.code, Some(0));
    assert!(format!("{}{}", failure.stdout, failure.stderr).contains(&address), "{failure:?}");
}

#[tokio::test]
async fn settings_sigterm_exits_with_success_and_loses_nothing() {
    let mut server = Server::start();
    let bucket = Bucket::create(&server, State::Enabled).await;
    let id = bucket.put_id("k", b"x").await;
    let status = server.sigterm_and_wait();
    assert_eq!(status.code(), Some(0), "{}", server.logs());
    server.restart();
    let bucket = Bucket { client: sdk::client(&server), ..bucket };
    assert_eq!(bucket.get_version("k", &id).await.expect("there"), b"x");
}

#[tokio::test]
async fn settings_sigterm_lets_a_request_that_runs_finish() {
    let mut server = Server::start();
    let bucket = Bucket::create(&server, State::Enabled).await;
    let request = Request::new("PUT", &format!("/{}/k", bucket.name));
    let mut pieces = 0;
    // The signal comes when the body is half sent, and the server has begun with the request: bytes may wait in
    // a socket that it has not accepted yet.
    let reply = upload(&server, request, 8 << 20, |buffer| {
        buffer.fill(b'x');
        pieces += 1;
        if pieces == 4 {
            let start = Instant::now();
            while http::metric(&server, "esker_gateway_requests_in_flight") == 0 {
                assert!(start.elapsed() < Duration::from_secs(30), "the request never began");
            }
            server.sigterm();
        }
    });
    let id = reply.expect("an answer").expect_status(200).header("x-amz-version-id").map(str::to_owned);
    assert_eq!(server.wait().code(), Some(0));
    server.restart();
    let bucket = Bucket { client: sdk::client(&server), ..bucket };
    let body = bucket.get_version("k", &id.expect("an id")).await.expect("there");
    assert_eq!(body.len(), 8 << 20);
}
