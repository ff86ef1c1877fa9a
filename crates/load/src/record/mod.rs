//! What happened, counted: by kind of work, with latencies in histograms and failures by what they were.

mod failure;
mod latencies;
mod tally;

pub use failure::{Failure, FailureKind};
pub use latencies::{Latencies, NotHistogram};
pub use tally::{KindTally, Tally};
