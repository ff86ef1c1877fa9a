//! A metadata node: its groups, the runtime they run on, and the handle that the other roles use.

mod admission;
mod config;
mod failure;
mod forward;
mod group;
mod handle;
mod history;
mod membership;
mod observe;
mod propose;
mod read;
mod settings;
mod start;
mod status;
mod telemetry;

pub(crate) use group::{Group, NotDone, Trace};
pub use handle::MetadataHandle;
pub use history::HistoryError;
pub(crate) use observe::Observer;
pub use settings::{Components, Formation, RaftPlane, Runtime, Settings};
pub use start::{MetadataNode, StartError};
pub use status::{GroupStatus, MemberStatus, Role};
pub use telemetry::METRICS;
pub(crate) use telemetry::{show, show_summary};
