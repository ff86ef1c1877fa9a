//! `docs/metrics.md`: every metric and what it means.

use super::{cell, check};
use crate::telemetry::{PARTS, Part};
use esker_metric::{Kind, Label, Metric};

const HEAD: &str = "\
# Metrics

Every metric that `/metrics` on the console shows, in Prometheus' text format. This page is written from the code by
`cargo xtask docs`. [Monitoring](monitoring.md) says how to collect them, and which alerts come with them.

Histograms have the series `_bucket`, `_sum` and `_count`. Counters start at 0 with the process. No label has values
that clients choose, such as names of buckets, so `/metrics` does not grow with the data.
";

/// What the library tells of the process, which describes them by itself (`metrics_process`).
const PROCESS: &[Metric] = &[
    Metric::counter(
        "process_cpu_seconds_total",
        "Processor time that the process has used, in whole seconds",
    ),
    Metric::gauge("process_resident_memory_bytes", "Memory that the process holds"),
    Metric::gauge("process_virtual_memory_bytes", "Address space that it has reserved"),
    Metric::gauge(
        "process_virtual_memory_max_bytes",
        "Address space that it may reserve; 0 if there is no limit",
    ),
    Metric::gauge("process_open_fds", "File descriptors that are open"),
    Metric::gauge("process_max_fds", "File descriptors that may be open"),
    Metric::gauge("process_threads", "Threads"),
    Metric::gauge("process_start_time_seconds", "When the process started, in seconds since 1970"),
];

fn page() -> String {
    let process = Part { role: None, metrics: PROCESS };
    PARTS.iter().chain([&process]).fold(HEAD.to_owned(), |page, part| page + &table(part))
}

fn table(part: &Part) -> String {
    let who = part.role.map_or_else(String::new, |role| {
        format!("On nodes with the role `{}`.\n\n", format!("{role:?}").to_lowercase())
    });
    let title = title(part.metrics);
    let head = format!("\n## {title}\n\n{who}| metric | type | labels | meaning |\n|---|---|---|---|\n");
    part.metrics.iter().fold(head, |table, metric| table + &row(metric))
}

/// What their names begin with.
fn title(metrics: &[Metric]) -> String {
    let words = metrics.first().map_or("", |metric| metric.name).split('_');
    let depth = if words.clone().next() == Some("esker") { 2 } else { 1 };
    words.take(depth).map(|word| format!("{word}_")).collect()
}

fn row(metric: &Metric) -> String {
    let Metric { name, kind, meaning, labels } = *metric;
    let labels: Vec<String> = labels.iter().map(told).collect();
    format!("| `{name}` | {} | {} | {} |\n", kind.name(), labels.join(", "), cell(meaning))
}

/// A label, and its values if they are known.
fn told(label: &Label) -> String {
    match label.values {
        [] => format!("`{}`", label.name),
        values => format!("`{}`: {}", label.name, values.join(", ")),
    }
}

#[test]
fn the_page_of_metrics_is_what_the_code_says() {
    check("metrics.md", &page());
}

#[test]
fn rows_tell_the_kind_and_the_labels() {
    const LABELS: &[Label] = &[esker_metric::label("a"), esker_metric::label_of("b", &["x", "y"])];
    let metric = Metric { name: "n", kind: Kind::Gauge, meaning: "This | that", labels: LABELS };
    assert_eq!(row(&metric), "| `n` | gauge | `a`, `b`: x, y | This \\| that |\n");
}
