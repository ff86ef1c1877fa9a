//! Background work: compaction, which gives space back, and scrubbing, which finds damage before it is needed.

mod compact;
mod plan;
mod progress;
mod run;
mod scrub;
mod throttle;

pub use compact::CompactReport;
pub use plan::{SegmentFacts, plan};
pub use scrub::{Round, ScrubReport};
pub use throttle::Throttle;

pub(crate) use compact::compact;
pub(crate) use progress::Progress;
pub(crate) use run::{facts, publish, run};
pub(crate) use scrub::scrub;
