//! Reports as texts: the format is golden, and pages escape what they show.

use super::lines::*;
use super::*;
use crate::plan::Kind;
use crate::record::{Failure, FailureKind, Latencies, Tally};
use expect_test::expect_file;
use std::collections::BTreeMap;
use std::time::Duration;

fn tally() -> Tally {
    let mut tally = Tally::default();
    for millis in 1..=100 {
        let (latency, service) = (Duration::from_millis(millis), Duration::from_millis(millis.div_ceil(2)));
        tally.done(Kind::Get, 4096, latency, service);
    }
    tally.done(Kind::Multipart, 10 << 20, Duration::from_secs(2), Duration::from_secs(2));
    tally.retried(Kind::Get);
    tally.failed(Kind::Get, Failure::status(503, Some("SlowDown")));
    tally.failed(Kind::Get, Failure::new(FailureKind::Verify, "other bytes than were put"));
    tally
}

fn lines() -> Vec<Line> {
    let header = Header {
        format: FORMAT,
        version: "0.1.0".to_owned(),
        started: "2026-01-02T03:04:05.000Z".to_owned(),
        workload: "mixed".to_owned(),
        endpoints: vec!["http://127.0.0.1:9000".to_owned()],
        settings: BTreeMap::from([("size".to_owned(), "4KiB".to_owned())]),
        machine: Machine { cores: 2, kernel: "Linux 6.1".to_owned() },
    };
    let tally = tally();
    let end = End {
        reason: Reason::Duration,
        elapsed_us: 2_000_000,
        kinds: tally.kinds().map(|(kind, of)| (kind, EndOf::of(of))).collect(),
        client: Client { cpu_us: 2_040, cpu_us_per_request: 20.0 },
        never_begun: 3,
        read_back: Some(ReadBack { checked: 5, failures: Vec::new() }),
        cleanup: Cleanup { removed: 7, left: None },
    };
    vec![
        Line::Header(header),
        Line::Second(Second::of(&tally, 1_000_100, 1_020)),
        Line::Second(Second::of(&Tally::default(), 2_000_050, 0)),
        Line::End(Box::new(end)),
    ]
}

fn text() -> String {
    to_text(&lines())
}

fn to_text(lines: &[Line]) -> String {
    lines.iter().map(|line| serde_json::to_string(line).expect("JSON") + "\n").collect()
}

// Stored reports must stay readable: when the format changes, this file stays, and another one joins it.
#[test]
fn the_format_is_golden() {
    let golden = include_str!("golden/report-1.jsonl");
    let stored = Past::parse("a", golden).expect("a report");
    let mut lines = lines();
    let Some(Line::End(end)) = lines.last_mut() else { panic!("no end") };
    // Another deflate may write other bytes; what they say must be the same.
    for (kind, of) in &mut end.kinds {
        let stored = &stored.end.kinds[kind];
        for (made, stored) in [(&mut of.latency, &stored.latency), (&mut of.service, &stored.service)] {
            let latencies = |spread: &Spread| Latencies::decode(&spread.histogram).expect("a histogram");
            assert_eq!(latencies(made), latencies(stored));
            made.histogram.clone_from(&stored.histogram);
        }
    }
    assert_eq!(to_text(&lines), golden);
}

#[test]
fn what_is_no_whole_report_is_told_apart() {
    let text = text();
    let parse = |text: &str| Past::parse("a", text).map(drop);
    assert_eq!(parse(&text), Ok(()));
    assert_eq!(parse(""), Err(NotReport::NoHeader));
    let without_end: Vec<&str> = text.lines().take(3).collect();
    assert_eq!(parse(&without_end.join("\n")), Err(NotReport::NoEnd));
    assert_eq!(parse(&text.replacen("\"format\":1", "\"format\":2", 1)), Err(NotReport::Newer(2)));
    assert!(matches!(parse(&format!("{text}x\n")), Err(NotReport::Line { line: 5, .. })));
}

#[test]
fn runs_stand_side_by_side_in_markdown() {
    let past = |name| Past::parse(name, &text()).expect("a report");
    expect_file!["golden/table.md"].assert_eq(&table(&[past("before"), past("after|x")]));
}

#[test]
fn a_page_needs_nothing_from_outside_and_escapes_what_it_shows() {
    let past = |name| Past::parse(name, &text()).expect("a report");
    let html = page(&[past("<script>alert(1)</script>"), past("b")]);
    for foreign in ["<script", "src=", "href=", "url(", "@import"] {
        assert!(!html.contains(foreign), "{foreign}");
    }
    assert!(html.contains("&lt;script&gt;alert(1)"));
    // Each of the two kinds has a curve, throughput, payload, and latency over time.
    assert_eq!(html.matches("<svg").count(), 8);
    assert_eq!(html.matches("<polyline").count(), 16);
    assert!(html.contains("prefers-color-scheme: dark"));
}

#[test]
fn a_run_that_failed_or_left_something_is_not_clean() {
    let mut end = match lines().pop() {
        Some(Line::End(end)) => *end,
        other => panic!("{other:?}"),
    };
    assert!(!end.is_clean());
    for of in end.kinds.values_mut() {
        of.failures.clear();
    }
    assert!(end.is_clean());
    end.cleanup.left = Some("much".to_owned());
    assert!(!end.is_clean());
}
