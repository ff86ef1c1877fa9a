//! The macro runs: the release binary and the floors, each a process of its own, driven by one client in one run.
//!
//! Subjects take turns, so that what else the machine does falls on all of them; medians are compared. Nothing is
//! asserted about time: a row that misses its target is marked, and that is all. Something that does not work ends a
//! run with an error.

mod cluster;
mod compare;
mod contention;
mod context;
mod copy;
mod get;
mod growth;
mod histogram;
mod list;
mod memory;
mod put;
mod scale;
mod texts;

pub use context::{Context, RunError};
pub use scale::{Length, Scale};

use crate::row::{Row, Verdict};

/// A part of the run that can be chosen by name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scenario {
    /// Durable puts.
    Put,
    /// Gets.
    Get,
    /// Overwrites of one key, and conditional creates of one key.
    Contention,
    /// Lists of versions.
    List,
    /// Copies and restores.
    Copy,
    /// Three nodes.
    Cluster,
    /// What a node holds in memory.
    Memory,
    /// Ten million versions.
    Growth,
}

impl Scenario {
    /// All of them, in the order of the table.
    pub const ALL: [Scenario; 8] = [
        Scenario::Put,
        Scenario::Get,
        Scenario::Contention,
        Scenario::List,
        Scenario::Copy,
        Scenario::Cluster,
        Scenario::Memory,
        Scenario::Growth,
    ];

    /// Its name.
    pub fn name(self) -> &'static str {
        match self {
            Scenario::Put => "put",
            Scenario::Get => "get",
            Scenario::Contention => "contention",
            Scenario::List => "list",
            Scenario::Copy => "copy",
            Scenario::Cluster => "cluster",
            Scenario::Memory => "memory",
            Scenario::Growth => "growth",
        }
    }

    /// Runs it. What went wrong is the last row.
    pub async fn run(self, cx: &Context) -> Vec<Row> {
        let rows = match self {
            Scenario::Put => put::run(cx).await,
            Scenario::Get => get::run(cx).await,
            Scenario::Contention => contention::run(cx).await,
            Scenario::List => list::run(cx).await,
            Scenario::Copy => copy::run(cx).await,
            Scenario::Cluster => cluster::run(cx).await,
            Scenario::Memory => memory::run(cx).await,
            Scenario::Growth => growth::run(cx).await,
        };
        rows.unwrap_or_else(|error| vec![Row::without(self.name(), Verdict::Failed(error.to_string()))])
    }
}
