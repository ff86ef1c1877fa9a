//! The lines of JSON that a run writes: a header, a line for each second, the end. Stored and compared across versions
//! of this tool, so they carry a format number; times are whole microseconds.

use crate::plan::Kind;
use crate::record::{Failure, KindTally, Tally};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// The number of the format.
pub const FORMAT: u32 = 1;

/// A line.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "kebab-case")]
pub enum Line {
    /// The first.
    Header(Header),
    /// One for each second that was measured.
    Second(Second),
    /// The last.
    End(Box<End>),
}

/// What was run, where.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Header {
    /// [`FORMAT`]
    pub format: u32,
    /// The version of this tool.
    pub version: String,
    /// When it began, as ISO 8601.
    pub started: String,
    /// The load's name.
    pub workload: String,
    /// What requests were sent to.
    pub endpoints: Vec<String>,
    /// How the load was set, by the names of the flags.
    pub settings: BTreeMap<String, String>,
    /// The machine that made the load.
    pub machine: Machine,
}

/// The machine that made the load.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Machine {
    /// Processors that the harness might use.
    pub cores: usize,
    /// The system and its release.
    pub kernel: String,
}

/// What was done in one second.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Second {
    /// The end of it, since the measured part began, in microseconds.
    pub at_us: u64,
    /// Processor time that the harness used, in microseconds.
    pub cpu_us: u64,
    /// By kind of work; what did not occur is absent.
    pub kinds: BTreeMap<Kind, SecondOf>,
}

/// One kind of work in one second.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SecondOf {
    /// How many were done.
    pub done: u64,
    /// How many failed.
    pub failed: u64,
    /// Their payload.
    pub bytes: u64,
    /// Half were not slower.
    pub p50_us: u64,
    /// 99 % were not slower.
    pub p99_us: u64,
    /// None was slower.
    pub max_us: u64,
}

/// The whole run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct End {
    /// Why it ended.
    pub reason: Reason,
    /// The measured part, from its begin to the last reply, in microseconds.
    pub elapsed_us: u64,
    /// By kind of work.
    pub kinds: BTreeMap<Kind, EndOf>,
    /// What the harness itself took.
    pub client: Client,
    /// Requests that an open loop intended and never began, because no connection was free until the end.
    pub never_begun: u64,
    /// What was read again after the measured part, if that was asked for.
    pub read_back: Option<ReadBack>,
    /// What became of the run's objects.
    pub cleanup: Cleanup,
}

/// Why a run ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Reason {
    /// Its time was over.
    Duration,
    /// Somebody stopped it.
    Interrupted,
    /// All prepared objects were deleted.
    ObjectsUsedUp,
    /// It put as many bytes as it was allowed to.
    BytesUsedUp,
}

/// What the harness itself took.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Client {
    /// Processor time, in microseconds, of the measured part.
    pub cpu_us: u64,
    /// The same for each request.
    pub cpu_us_per_request: f64,
}

/// Objects that were read again.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReadBack {
    /// How many.
    pub checked: u64,
    /// What was wrong.
    pub failures: Vec<Count>,
}

/// What became of the run's objects.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cleanup {
    /// Versions, delete markers and uploads that were removed.
    pub removed: u64,
    /// What is left and why; none if nothing is.
    pub left: Option<String>,
}

/// One kind of work in the whole run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct EndOf {
    /// How many were done.
    pub done: u64,
    /// Their payload.
    pub bytes: u64,
    /// Requests sent again.
    pub retries: u64,
    /// What failed.
    pub failures: Vec<Count>,
    /// Latencies from the intended starts.
    pub latency: Spread,
    /// Latencies from the real starts, which differ in an open loop.
    pub service: Spread,
}

/// How often something failed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Count {
    /// What.
    #[serde(flatten)]
    pub failure: Failure,
    /// How often.
    pub count: u64,
}

/// A distribution of latencies.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Spread {
    /// The mean.
    pub mean_us: f64,
    /// Percentiles, for those who don't decode the histogram.
    pub p50_us: u64,
    #[expect(missing_docs, reason = "the name says it")]
    pub p90_us: u64,
    #[expect(missing_docs, reason = "the name says it")]
    pub p99_us: u64,
    /// 99.9 %
    pub p999_us: u64,
    /// 99.99 %
    pub p9999_us: u64,
    /// The longest.
    pub max_us: u64,
    /// All of it: an HDR histogram of microseconds, V2, deflated, in base64.
    pub histogram: String,
}

impl Second {
    /// The line for what was counted in a second.
    pub fn of(tally: &Tally, at_us: u64, cpu_us: u64) -> Second {
        let of_kind = |of: &KindTally| SecondOf {
            done: of.done(),
            failed: of.failed(),
            bytes: of.bytes,
            p50_us: of.latency.quantile_micros(0.5),
            p99_us: of.latency.quantile_micros(0.99),
            max_us: of.latency.max_micros(),
        };
        Second { at_us, cpu_us, kinds: tally.kinds().map(|(kind, of)| (kind, of_kind(of))).collect() }
    }
}

impl EndOf {
    /// The counts of a whole run.
    pub fn of(tally: &KindTally) -> EndOf {
        EndOf {
            done: tally.done(),
            bytes: tally.bytes,
            retries: tally.retries,
            failures: Count::all(&tally.failures),
            latency: Spread::of(&tally.latency),
            service: Spread::of(&tally.service),
        }
    }

    /// How many failed.
    pub fn failed(&self) -> u64 {
        self.failures.iter().map(|failure| failure.count).sum()
    }
}

impl Count {
    /// Of all failures.
    pub fn all(failures: &BTreeMap<Failure, u64>) -> Vec<Count> {
        let count = |(failure, count): (&Failure, &u64)| Count { failure: failure.clone(), count: *count };
        failures.iter().map(count).collect()
    }
}

impl Spread {
    fn of(latencies: &crate::record::Latencies) -> Spread {
        let quantile = |share| latencies.quantile_micros(share);
        Spread {
            mean_us: (latencies.mean_micros() * 10.0).round() / 10.0,
            p50_us: quantile(0.5),
            p90_us: quantile(0.9),
            p99_us: quantile(0.99),
            p999_us: quantile(0.999),
            p9999_us: quantile(0.9999),
            max_us: latencies.max_micros(),
            histogram: latencies.encode(),
        }
    }
}

impl End {
    /// Whether something was measured, all of it was done, rightly, and nothing is left behind.
    pub fn is_clean(&self) -> bool {
        let read_back = self.read_back.as_ref().is_none_or(|read| read.failures.is_empty());
        let done = !self.kinds.is_empty() && self.kinds.values().all(|of| of.failures.is_empty());
        done && read_back && self.cleanup.left.is_none()
    }

    /// Requests, done or failed.
    pub fn requests(&self) -> u64 {
        let requests = self.kinds.iter().filter(|(kind, _)| kind.is_request());
        requests.map(|(_, of)| of.done + of.failed()).sum()
    }
}
