//! What servers do wrong is told as what it is, and hidden in nothing.
#![allow(clippy::unwrap_used, reason = "tests")]

mod fake;

use esker_env::{SeededRandom, SystemClock, process_cpu_time};
use esker_load::client::PayloadHash;
use esker_load::plan::{Arrivals, Kind, Mix, Pace, Sizes, Workload};
use esker_load::record::FailureKind;
use esker_load::report::End;
use esker_load::report::lines::{EndOf, Reason};
use esker_load::run::{Components, Credentials, Event, Keep, Observer, RunError, Settings, Verify, run};
use fake::{Reads, Store, start};
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio_util::sync::CancellationToken;

fn settings(address: SocketAddr) -> Settings {
    Settings {
        workload: Workload::Get,
        endpoints: vec![format!("http://{address}").parse().expect("an endpoint")],
        credentials: Credentials {
            access_key: "key".to_owned(),
            secret_key: "secret".to_owned(),
            region: "us-east-1".to_owned(),
        },
        bucket: None,
        versioned: false,
        sizes: Sizes::fixed(5_000),
        range_bytes: 100,
        part_bytes: 5 << 20,
        parts: 2,
        page_entries: 100,
        mix: Mix::default(),
        objects: 10,
        versions: 1,
        concurrency: 2,
        threads: 1,
        pace: Pace::Closed,
        warm_up: Duration::ZERO,
        duration: Duration::from_millis(500),
        timeout: Duration::from_secs(30),
        put_bytes_max: 1 << 30,
        verify: Verify::Everything,
        payload_hash: PayloadHash::Sha256,
        slow_down_retries: 0,
        keep: Keep::Nothing,
        cleanup_timeout: Duration::from_secs(30),
        seed: 1,
    }
}

struct Nobody;

impl Observer for Nobody {
    fn see(&mut self, _event: &Event<'_>) {}
}

async fn load(
    reads: Reads,
    change: impl FnOnce(Settings) -> Settings,
) -> (Result<End, RunError>, Arc<Store>) {
    let (address, store) = start(reads).await;
    let components = Components {
        clock: Arc::new(SystemClock::new()),
        random: Arc::new(SeededRandom::new(1)),
        cpu_time: process_cpu_time,
        version: "test",
    };
    let (stop, abandon) = (CancellationToken::new(), CancellationToken::new());
    let end = run(change(settings(address)), &components, &mut Nobody, &stop, &abandon).await;
    (end, store)
}

async fn gets(reads: Reads, change: impl FnOnce(Settings) -> Settings) -> (End, EndOf) {
    let (end, store) = load(reads, change).await;
    let end = end.expect("it was measured");
    assert_eq!(end.cleanup.left, None);
    assert!(store.is_empty(), "all was removed");
    let gets = end.kinds[&Kind::Get].clone();
    (end, gets)
}

/// The only failure, and how many requests were well.
fn failure(of: &EndOf) -> (FailureKind, &str, u64) {
    let [failure] = of.failures.as_slice() else { panic!("{:?}", of.failures) };
    (failure.failure.kind, &failure.failure.code, of.done)
}

#[tokio::test]
async fn a_server_that_is_right_has_no_failures() {
    let (end, of) = gets(Reads::Right, |settings| settings).await;
    assert!(end.is_clean() && of.done > 0 && of.bytes == of.done * 5_000, "{of:?}");
    assert_eq!(end.reason, Reason::Duration);
}

#[tokio::test]
async fn empty_objects_are_put_with_their_length() {
    let empty = |settings| Settings { sizes: Sizes::fixed(0), ..settings };
    let (end, of) = gets(Reads::Right, empty).await;
    assert!(end.is_clean() && of.done > 0 && of.bytes == 0, "{of:?}");
}

#[tokio::test]
async fn one_bit_or_one_byte_that_is_wrong_is_found() {
    let (_, of) = gets(Reads::OneBitWrong, |settings| settings).await;
    assert_eq!(failure(&of), (FailureKind::Verify, "other bytes than were put", 0));
    let (_, of) = gets(Reads::OneByteShort, |settings| settings).await;
    assert_eq!(failure(&of), (FailureKind::Verify, "another length than was put", 0));
    let (end, _) =
        gets(Reads::OneBitWrong, |settings| Settings { verify: Verify::Nothing, ..settings }).await;
    assert!(end.is_clean(), "nobody asked");
}

#[tokio::test]
async fn slow_down_is_an_error_unless_it_is_to_be_tried_again() {
    let one = |settings| Settings { concurrency: 1, ..settings };
    let (_, of) = gets(Reads::EverySecondRefused, one).await;
    let (kind, code, _) = failure(&of);
    assert_eq!((kind, code, of.retries), (FailureKind::Status, "503 SlowDown", 0));
    let retrying = |settings| Settings { slow_down_retries: 1, ..one(settings) };
    let (end, of) = gets(Reads::EverySecondRefused, retrying).await;
    // The last may have been refused as the load ended, and then is not sent again.
    assert!(of.done > 0 && of.failed() <= 1 && of.retries >= of.done, "{end:?}");
}

#[tokio::test]
async fn a_connection_that_is_closed_is_a_failure_and_is_made_again() {
    let (_, of) = gets(Reads::Closed, |settings| settings).await;
    assert!(of.done == 0 && of.failed() > 2, "{of:?}");
    assert!(of.failures.iter().all(|count| count.failure.kind == FailureKind::Connection), "{of:?}");
}

#[tokio::test]
async fn a_reply_that_takes_too_long_is_a_timeout() {
    let slow = Reads::Slow(Duration::from_secs(3600));
    let (_, of) = gets(slow, |settings| Settings { timeout: Duration::from_millis(300), ..settings }).await;
    assert_eq!(failure(&of), (FailureKind::Timeout, "300ms", 0));
}

#[tokio::test]
async fn in_an_open_loop_the_wait_for_a_connection_is_in_the_latency() {
    let pace = Pace::Open { rate: 200.0, arrivals: Arrivals::Even };
    let open = |settings| Settings { pace, concurrency: 1, duration: Duration::from_secs(1), ..settings };
    // At most 50 a second can be answered, of 200 that are intended.
    let (end, of) = gets(Reads::Slow(Duration::from_millis(20)), open).await;
    assert!(of.done >= 2 && end.never_begun > 0, "{end:?}");
    assert_eq!(of.done + end.never_begun, 200, "every intended request is accounted for");
    assert!(of.latency.mean_us > of.service.mean_us, "{of:?}");
    // A closed loop, even one with that rate for its limit, is blind to it.
    let closed = |settings| Settings { pace: Pace::Limited { rate: 200.0 }, ..open(settings) };
    let (end, of) = gets(Reads::Slow(Duration::from_millis(20)), closed).await;
    assert_eq!((of.latency.max_us, end.never_begun), (of.service.max_us, 0));
}

#[tokio::test]
async fn a_load_that_puts_too_much_ends() {
    let put = |settings| Settings {
        workload: Workload::Put,
        put_bytes_max: 52_000,
        duration: Duration::from_secs(3600),
        ..settings
    };
    let (end, store) = load(Reads::Right, put).await;
    let end = end.expect("it was measured");
    assert_eq!((end.reason, end.kinds[&Kind::Put].done), (Reason::BytesUsedUp, 10));
    assert!(store.is_empty() && end.read_back.expect("it was asked for").checked == 10);
}

#[tokio::test]
async fn nobody_at_the_endpoint_is_an_error() {
    let nobody = |settings| Settings { endpoints: vec!["http://127.0.0.1:1".parse().unwrap()], ..settings };
    let (end, _) = load(Reads::Right, nobody).await;
    assert!(matches!(end, Err(RunError::Setup { .. })), "{end:?}");
}
