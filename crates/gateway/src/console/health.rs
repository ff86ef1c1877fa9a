//! What the console says of health: one shape of JSON for every question, which probes and `esker health` read.

use serde::{Deserialize, Serialize};

/// What can be asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Check {
    /// Whether the process answers at all.
    Live,
    /// Whether this node can serve requests now.
    Ready,
    /// Whether the cluster can take writes now, as far as this node sees.
    Cluster,
}

impl Check {
    /// All of them.
    pub const ALL: [Check; 3] = [Check::Live, Check::Ready, Check::Cluster];

    /// Where the console answers it.
    pub fn path(self) -> &'static str {
        match self {
            Check::Live => "/health/live",
            Check::Ready => "/health/ready",
            Check::Cluster => "/health/cluster",
        }
    }
}

/// How something is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Health {
    /// As it should be.
    Ok,
    /// Not so, for these reasons; at least one.
    Failing(Vec<String>),
}

impl Health {
    /// `Ok` if there is no reason against it.
    pub fn of(reasons: Vec<String>) -> Health {
        if reasons.is_empty() { Health::Ok } else { Health::Failing(reasons) }
    }
}

/// The word for a [`Health`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum HealthStatus {
    /// [`Health::Ok`]
    Ok,
    /// [`Health::Failing`]
    Failing,
}

/// The answer to a question about health, as JSON. Fields are only ever added.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct HealthReport {
    /// What was asked.
    pub check: Check,
    /// The answer.
    pub status: HealthStatus,
    /// Why it is failing, for people; empty if it is not.
    pub reasons: Vec<String>,
}

impl HealthReport {
    /// What is told of a health.
    pub fn new(check: Check, health: Health) -> HealthReport {
        let (status, reasons) = match health {
            Health::Ok => (HealthStatus::Ok, Vec::new()),
            Health::Failing(reasons) => (HealthStatus::Failing, reasons),
        };
        HealthReport { check, status, reasons }
    }

    /// One line of JSON.
    pub(super) fn to_json(&self) -> String {
        let json = serde_json::to_string(self);
        // Names of variants and strings always are.
        debug_assert!(json.is_ok(), "{self:?} can be written as JSON");
        json.unwrap_or_default() + "\n"
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_shape_is_what_probes_rely_on() {
        let ok = HealthReport::new(Check::Live, Health::of(Vec::new()));
        assert_eq!(ok.to_json(), "{\"check\":\"live\",\"status\":\"ok\",\"reasons\":[]}\n");
        let failing = Health::of(vec!["no \"leader\"".to_owned(), "no places".to_owned()]);
        let failing = HealthReport::new(Check::Cluster, failing);
        let json = "{\"check\":\"cluster\",\"status\":\"failing\",\"reasons\":[\"no \\\"leader\\\"\",\"no places\"]}\n";
        assert_eq!(failing.to_json(), json);
        assert_eq!(serde_json::from_str::<HealthReport>(json).expect("our own JSON"), failing);
    }
}
