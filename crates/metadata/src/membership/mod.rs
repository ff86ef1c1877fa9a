//! Keeps the members of each group in step with the topology: who has a replica, who votes, who leads.

mod keeper;
mod plan;
mod situation;

pub(crate) use keeper::{CLOCK_HAND_OVERS, STEPS, keep};
pub(crate) use situation::silence;
