//! What `/metrics` shows, beside what `docs/metrics.md` says.

use e2e::bucket::{Bucket, State};
use e2e::http::try_exchange;
use e2e::server::Server;
use e2e::wait::eventually;
use e2e::{payload, sdk};
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::time::Duration;

const PATIENCE: Duration = Duration::from_secs(60);
/// More series than this are a burden to those who collect them.
const SERIES_MAX: usize = 5_000;

fn metrics(server: &Server) -> String {
    let request = b"GET /metrics HTTP/1.1\r\nhost: console\r\nconnection: close\r\n\r\n";
    let reply = try_exchange(server.console(), request, PATIENCE).expect("the console answers");
    assert_eq!(reply.header("content-type"), Some("text/plain; version=0.0.4; charset=utf-8"));
    reply.text()
}

/// Names of metrics and what follows them: their types on the page, and in what is shown.
fn told() -> BTreeMap<String, (String, String)> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/metrics.md");
    let page = std::fs::read_to_string(path).expect("the page is there");
    let rows = page.lines().filter_map(|line| {
        let cells: Vec<&str> = line.strip_prefix("| `")?.split(" | ").collect();
        let [name, kind, labels, ..] = cells[..] else { return None };
        Some((name.trim_end_matches('`').to_owned(), (kind.to_owned(), labels.to_owned())))
    });
    rows.collect()
}

fn shown(text: &str) -> BTreeMap<String, String> {
    let types = text.lines().filter_map(|line| line.strip_prefix("# TYPE ")?.split_once(' '));
    types.map(|(name, kind)| (name.to_owned(), kind.to_owned())).collect()
}

/// The series: lines that are no comments.
fn series(text: &str) -> impl Iterator<Item = &str> {
    text.lines().filter(|line| !line.is_empty() && !line.starts_with('#'))
}

/// Asks for what every metric needs to be there.
async fn use_everything(server: &Server) {
    let bucket = Bucket::create(server, State::Enabled).await;
    bucket.put("key", &payload::bytes(1, 100_000)).await;
    bucket.get("key").await.expect("it was put");
    assert_eq!(bucket.get("another").await, None, "an error is counted, too");
}

#[tokio::test]
async fn metrics_of_a_running_node_are_those_that_the_documentation_tells_and_no_others() {
    let server = Server::start();
    use_everything(&server).await;
    let told = told();
    let names = |of: &BTreeMap<String, (String, String)>| of.keys().cloned().collect::<BTreeSet<_>>();
    let text = eventually("every metric is there", PATIENCE, || {
        let text = metrics(&server);
        let shown: BTreeSet<String> = shown(&text).into_keys().collect();
        let (missing, more): (Vec<_>, Vec<_>) = (
            names(&told).difference(&shown).cloned().collect(),
            shown.difference(&names(&told)).cloned().collect(),
        );
        assert!(more.is_empty(), "not in docs/metrics.md: {more:?}");
        if missing.is_empty() { Ok(text) } else { Err(format!("{missing:?} are told and not shown")) }
    });
    let text = text.unwrap_or_else(|why| panic!("{why}"));
    for (name, kind) in shown(&text) {
        assert_eq!(told[&name].0, kind, "the type of {name}");
    }
    for line in series(&text) {
        let (name, rest) = line.split_once(['{', ' ']).expect("a name");
        let name = ["_bucket", "_sum", "_count"]
            .iter()
            .filter_map(|series| name.strip_suffix(series))
            .find(|name| told.contains_key(*name))
            .unwrap_or(name);
        let labels =
            rest.split_once('}').map_or("", |(labels, _)| if line.contains('{') { labels } else { "" });
        for label in labels.split("\",").filter_map(|pair| pair.split_once("=\"").map(|(label, _)| label)) {
            let known = told[name].1.contains(&format!("`{label}`")) || label == "le";
            assert!(known, "the label {label} of {name} is not in docs/metrics.md");
        }
    }
    for line in [
        "esker_gateway_requests_total{operation=\"PutObject\",status=\"200\"} 1",
        "esker_gateway_request_duration_seconds_count{operation=\"PutObject\"} 1",
        "esker_gateway_errors_total{code=\"NoSuchKey\"} 1",
    ] {
        assert!(text.lines().any(|other| other == line), "{line}\n{text}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn metrics_do_not_grow_with_the_number_of_buckets() {
    let server = Server::start();
    use_everything(&server).await;
    let client = sdk::client(&server);
    let mut tasks = tokio::task::JoinSet::new();
    for worker in 0..8 {
        let client = client.clone();
        tasks.spawn(async move {
            for number in 0..125 {
                let name = format!("many-{worker}-{number}");
                client.create_bucket().bucket(&name).send().await.expect("a bucket");
                client
                    .put_object()
                    .bucket(&name)
                    .key("k")
                    .body(vec![1].into())
                    .send()
                    .await
                    .expect("an object");
            }
        });
    }
    tasks.join_all().await;
    let text = metrics(&server);
    assert!(text.contains("operation=\"CreateBucket\""), "{text}");
    assert!(!text.contains("many-"), "no label is the name of a bucket");
    let count = series(&text).count();
    assert!(count < SERIES_MAX, "{count} series");
    // What is there does not depend on how many buckets there are.
    assert!(count > 100, "{count} series");
}

#[test]
fn metrics_name_what_the_process_takes() {
    let server = Server::start();
    let text = metrics(&server);
    let value = |name: &str| -> f64 {
        let line = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
        line.and_then(|value| value.parse().ok()).unwrap_or_else(|| panic!("{name} in\n{text}"))
    };
    let resident = value("process_resident_memory_bytes");
    let peak = server.rss_peak_bytes();
    assert!(resident > 1e6 && resident <= 2.0 * peak as f64, "{resident} of {peak}");
    assert!(value("process_open_fds") > 3.0 && value("process_open_fds") < value("process_max_fds"));
    // After 2020: it is a time since 1970, and not since the machine started.
    assert!(value("process_start_time_seconds") > 1.577e9);
}
