//! The dashboard: every expression is one that Prometheus can answer for a running cluster.

use crate::watched::Watched;
use e2e::prometheus::{JOB, deployed};
use serde_json::Value;

/// The panels, those in rows included.
fn panels(dashboard: &Value) -> Vec<Value> {
    let mut found = Vec::new();
    for panel in dashboard["panels"].as_array().into_iter().flatten() {
        found.extend(panels(panel));
        found.push(panel.clone());
    }
    found
}

/// Title and expression of everything that is drawn.
fn expressions(dashboard: &Value) -> Vec<(String, String)> {
    let mut found = Vec::new();
    for panel in panels(dashboard) {
        for target in panel["targets"].as_array().into_iter().flatten() {
            let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
            found.push((text(&panel["title"]), text(&target["expr"])));
        }
    }
    found
}

/// An expression as Grafana sends it.
fn filled_in(expression: &str) -> String {
    expression.replace("$job", JOB).replace("$instance", ".*").replace("$__rate_interval", "30s")
}

#[tokio::test(flavor = "multi_thread")]
async fn every_panel_shows_something_of_a_running_cluster() {
    let text = std::fs::read_to_string(deployed().join("grafana/esker.json")).expect("it is there");
    let dashboard: Value = serde_json::from_str(&text).expect("JSON");
    let expressions = expressions(&dashboard);
    assert!(expressions.len() >= 30, "{}", expressions.len());
    let watched = Watched::start().await;
    for (title, expression) in expressions {
        let filled = filled_in(&expression);
        assert!(!filled.contains('$'), "{title}: {filled}");
        watched.await_that(&format!("{title}: {filled}"), |prometheus| {
            let series = prometheus.query(&filled).unwrap_or_else(|why| panic!("{title}: {why}"));
            if series.is_empty() { Err("nothing is shown".to_owned()) } else { Ok(()) }
        });
    }
}
