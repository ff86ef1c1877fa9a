//! The alert rules by themselves.

use e2e::prometheus::{deployed, promtool};
use std::collections::{BTreeMap, BTreeSet};

fn read(name: &str) -> String {
    let path = deployed().join(name);
    std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

#[test]
fn promtool_accepts_the_rules_and_the_example() {
    let checked =
        promtool(&deployed(), &["check", "rules", "--lint=all", "--lint-fatal", "alerts.yml"]).success();
    assert!(checked.contains("SUCCESS: 21 rules found"), "{checked}");
    promtool(&deployed(), &["check", "config", "prometheus.yml"]).success();
}

#[test]
fn every_alert_fires_when_it_should_and_not_when_it_should_not() {
    promtool(&deployed(), &["test", "rules", "alerts_test.yml"]).success();
    let rules = read("alerts.yml");
    let alerts: BTreeSet<&str> =
        rules.lines().filter_map(|line| line.trim().strip_prefix("- alert: ")).collect();
    assert_eq!(alerts.len(), 21);
    // For each alert, whether a test expects it to fire, and whether one expects it not to.
    let mut tested: BTreeMap<&str, (bool, bool)> = BTreeMap::new();
    let text = read("alerts_test.yml");
    let mut alert = "";
    for line in text.lines().map(str::trim) {
        if let Some(name) = line.strip_prefix("alertname: ") {
            alert = name;
        }
        match line.strip_prefix("exp_alerts:") {
            Some(" []") => tested.entry(alert).or_default().1 = true,
            Some(_) => tested.entry(alert).or_default().0 = true,
            None => {}
        }
    }
    for alert in alerts {
        assert_eq!(tested.get(alert), Some(&(true, true)), "{alert}: fires, and does not");
    }
}
