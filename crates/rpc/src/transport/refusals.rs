//! Says once of each source that it is refused, in bounded memory.

use crate::transport::credential::Refusal;
use std::collections::BTreeSet;
use std::net::IpAddr;
use std::sync::{Mutex, PoisonError};

/// How many sources and reasons are remembered. When there are more, no further one is logged: somebody who has that
/// many addresses wants to fill the log.
const REMEMBERED_MAX: usize = 1024;

/// The refusals that were logged.
#[derive(Debug, Default)]
pub(super) struct Refusals {
    logged: Mutex<BTreeSet<(Option<IpAddr>, Refusal)>>,
}

impl Refusals {
    /// Whether this refusal is to be logged: it is the first of its kind from its source.
    pub(super) fn is_news(&self, source: Option<IpAddr>, refusal: Refusal) -> bool {
        let mut logged = self.logged.lock().unwrap_or_else(PoisonError::into_inner);
        let full = logged.len() >= REMEMBERED_MAX;
        !full && logged.insert((source, refusal))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refusal_is_news_once_for_each_source_and_reason() {
        let refusals = Refusals::default();
        let source = |last| Some(IpAddr::from([10, 0, 0, last]));
        assert!(refusals.is_news(source(1), Refusal::Token));
        assert!(!refusals.is_news(source(1), Refusal::Token));
        assert!(refusals.is_news(source(1), Refusal::OtherCluster));
        assert!(refusals.is_news(source(2), Refusal::Token));
    }

    #[test]
    fn a_flood_of_sources_takes_bounded_memory_and_bounded_lines() {
        let refusals = Refusals::default();
        let news =
            (0..10_000u32).filter(|n| refusals.is_news(Some(IpAddr::from(n.to_be_bytes())), Refusal::Token));
        assert_eq!(news.count(), REMEMBERED_MAX);
    }
}
