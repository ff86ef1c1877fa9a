//! `esker bench`, the real program against a real server: every load does what it says, verified, and leaves nothing.

use e2e::bucket::{Bucket, State};
use e2e::program::{Finished, run};
use e2e::sdk;
use e2e::server::{ACCESS_KEY, REGION, SECRET_KEY, Server, esker, scratch_dir};
use e2e::wait::eventually;
use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

/// What each load must have done.
const LOADS: [(&str, &[&str]); 11] = [
    ("put", &["put"]),
    ("get", &["get"]),
    ("range-get", &["range-get"]),
    ("head", &["head"]),
    ("delete", &["delete"]),
    ("mixed", &["get", "put", "head", "delete"]),
    ("list", &["list"]),
    ("list-versions", &["list-versions"]),
    ("overwrite-one-key", &["put"]),
    ("multipart", &["multipart", "create-upload", "upload-part", "complete-upload"]),
    ("version-churn", &["put", "get-version", "delete-version"]),
];

fn bench(server: &Server, workload: &str, report: &Path, args: &[&str]) -> Command {
    let mut command = esker();
    command.args(["bench", workload, "--endpoint", &server.endpoint(), "--region", REGION]);
    command.args(["--access-key", ACCESS_KEY, "--secret-key", SECRET_KEY, "--verify", "--json"]).arg(report);
    command.args(["--warm-up", "100ms", "--concurrency", "4", "--objects", "60", "--seed", "7"]).args(args);
    command
}

/// The lines of a report of one type.
fn lines(report: &Path, of_type: &str) -> Vec<Value> {
    let text = std::fs::read_to_string(report).expect("a report");
    let lines = text.lines().map(|line| serde_json::from_str::<Value>(line).expect("a line of JSON"));
    lines.filter(|line| line["type"] == of_type).collect()
}

fn end(report: &Path) -> Value {
    lines(report, "end").pop().expect("a last line")
}

async fn bucket_names(server: &Server) -> Vec<String> {
    let buckets =
        sdk::client(server).list_buckets().send().await.expect("a list").buckets.unwrap_or_default();
    buckets.into_iter().filter_map(|bucket| bucket.name).collect()
}

#[tokio::test]
async fn bench_every_load_runs_verified_and_leaves_nothing() {
    let server = Server::start();
    let directory = scratch_dir();
    let mut reports = Vec::new();
    for (workload, kinds) in LOADS {
        let report = directory.path().join(format!("{workload}.jsonl"));
        let sizes = ["--size", "0:5,1B-20KiB:90,300KiB:5", "--range", "3KiB"];
        let parts = ["--parts", "2", "--part-size", "5MiB", "--duration", "1s", "--versions", "3"];
        let shown = run(bench(&server, workload, &report, &sizes).args(parts)).success();
        let end = end(&report);
        for kind in kinds {
            // A machine that is busy may be slow; a load of a second still does each kind at least once.
            assert!(end["kinds"][kind]["done"].as_u64() > Some(0), "{workload} {kind}: {end}\n{shown}");
            assert_eq!(end["kinds"][kind]["failures"], serde_json::json!([]), "{workload}: {end}");
            assert!(shown.contains(kind), "{shown}");
        }
        let read_back = &end["read_back"];
        let puts = ["put", "mixed", "overwrite-one-key", "multipart"].contains(&workload);
        assert!(!puts || read_back["checked"].as_u64() > Some(0), "{workload}: {end}");
        assert!(read_back.is_null() || read_back["failures"] == serde_json::json!([]), "{workload}: {end}");
        assert!(end["cleanup"]["left"].is_null(), "{workload}: {end}");
        assert!(end["client"]["cpu_us_per_request"].as_f64() > Some(0.0), "{workload}: {end}");
        assert!(!lines(&report, "second").is_empty() && lines(&report, "header").len() == 1, "{workload}");
        assert_eq!(bucket_names(&server).await, Vec::<String>::new(), "{workload}");
        reports.push(report);
    }
    compare(directory.path(), &reports);
}

fn compare(directory: &Path, reports: &[std::path::PathBuf]) {
    let (page, table) = (directory.join("page.html"), directory.join("table.md"));
    let mut command = esker();
    command.args(["bench", "report"]).args(reports).arg("--html").arg(&page).arg("--markdown").arg(&table);
    // Keys for a load, which a comparison does not need, may be there.
    let shown = run(command.env("AWS_ACCESS_KEY_ID", "k").env("AWS_SECRET_ACCESS_KEY", "s")).success();
    let (page, table) = (std::fs::read_to_string(page), std::fs::read_to_string(table));
    let (page, table) = (page.expect("a page"), table.expect("a table"));
    assert!(page.starts_with("<!doctype html>") && page.contains("<svg") && !page.contains("<script"));
    assert!(table.contains("| multipart |") && shown.contains("| multipart |"), "{table}");
}

#[tokio::test]
async fn bench_interrupted_reports_and_clears_up() {
    let server = Server::start();
    let directory = scratch_dir();
    let report = directory.path().join("report.jsonl");
    let mut command = bench(&server, "put", &report, &["--size", "1KiB", "--duration", "1h"]);
    let child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("it starts");
    eventually("a second of the load", Duration::from_secs(60), || {
        let text = std::fs::read_to_string(&report).unwrap_or_default();
        if text.contains("\"type\":\"second\"") { Ok(()) } else { Err(text) }
    })
    .expect("the load runs");
    let pid = i32::try_from(child.id()).expect("process ids fit an i32");
    kill_process(Pid::from_raw(pid).expect("a process id is not 0"), Signal::INT).expect("it runs");
    let output = child.wait_with_output().expect("it ends");
    assert!(output.status.success(), "{output:?}");
    let end = end(&report);
    assert_eq!(end["reason"], "interrupted", "{end}");
    assert!(end["kinds"]["put"]["done"].as_u64() > Some(0), "{end}");
    assert_eq!(bucket_names(&server).await, Vec::<String>::new());
}

#[tokio::test]
async fn bench_in_a_bucket_of_the_users_touches_nothing_else() {
    let server = Server::start();
    let bucket = Bucket::create(&server, State::Enabled).await;
    let id = bucket.put_id("esker-bench/mine", b"precious").await;
    let directory = scratch_dir();
    for workload in ["put", "delete", "version-churn", "multipart"] {
        let report = directory.path().join(format!("{workload}.jsonl"));
        let args = ["--bucket", &bucket.name, "--duration", "1s", "--size", "1KiB", "--part-size", "5MiB"];
        run(&mut bench(&server, workload, &report, &args)).success();
        let listed = bucket.client.list_object_versions().bucket(&bucket.name).send().await.expect("a list");
        let versions: Vec<_> = listed.versions().iter().filter_map(|version| version.version_id()).collect();
        assert_eq!((versions, listed.delete_markers().len()), (vec![id.as_str()], 0), "{workload}");
        let uploads =
            bucket.client.list_multipart_uploads().bucket(&bucket.name).send().await.expect("a list");
        assert_eq!(uploads.uploads().len(), 0, "{workload}");
    }
    assert_eq!(bucket.get("esker-bench/mine").await.expect("there"), b"precious");
}

#[tokio::test]
async fn bench_in_an_open_loop_keeps_its_rate() {
    let server = Server::start();
    let directory = scratch_dir();
    let report = directory.path().join("report.jsonl");
    let args = ["--rate", "20", "--arrivals", "poisson", "--duration", "3s", "--size", "1KiB"];
    run(&mut bench(&server, "head", &report, &args)).success();
    let end = end(&report);
    let begun = end["kinds"]["head"]["done"].as_u64().expect("a number");
    let intended = begun + end["never_begun"].as_u64().expect("a number");
    // 60 are intended; five standard deviations are 39.
    assert!((21..=99).contains(&intended), "{end}");
}

#[test]
fn bench_that_can_not_run_says_why() {
    let server = Server::start();
    let directory = scratch_dir();
    let report = directory.path().join("report.jsonl");
    let failure = |finished: Finished, code| {
        assert_eq!(finished.code, Some(code), "{finished:?}");
        finished.failure()
    };
    let absent = run(&mut bench(&server, "put", &report, &["--bucket", "nobodys-bucket"]));
    assert!(failure(absent, 1).contains("nobodys-bucket"));
    // The report of the first is there already, and is not overwritten.
    let again = failure(run(&mut bench(&server, "put", &report, &[])), 1);
    assert!(again.contains("report.jsonl"), "{again}");
    let tls = failure(run(esker().args(["bench", "put", "--endpoint", "https://localhost"])), 2);
    assert!(tls.contains("TLS"), "{tls}");
    let unfinished = failure(run(esker().args(["bench", "report"]).arg(&report)), 1);
    assert!(unfinished.contains("report.jsonl"), "{unfinished}");
}
