//! Anti-entropy: from time to time a node compares all of its placement groups with its peers, and fetches what it
//! lacks, whatever the reason. It begins with this at its start.

use super::due;
use super::rhythm::Rhythm;
use super::upkeep::Upkeep;
use tokio::time::Instant;

/// Works until it is dropped.
pub(super) async fn run(upkeep: &Upkeep) {
    let mut rhythm = Rhythm::new(&upkeep.views);
    loop {
        let Some(view) = rhythm.view().filter(|view| view.group_count().is_some()) else {
            rhythm.changed().await;
            continue;
        };
        let plan = due::audits(&view, upkeep.node);
        let begin = Instant::now();
        let before = upkeep.counters.pulled_blobs.get();
        let pulled = upkeep.pull(&plan).await;
        let fetched = upkeep.counters.pulled_blobs.get() - before;
        if fetched > 0 || pulled.incomplete > 0 {
            let (groups, seconds) = (pulled.complete.len(), begin.elapsed().as_secs());
            tracing::info!(groups, incomplete = pulled.incomplete, fetched, seconds, "compared with peers");
        }
        upkeep.counters.audits.add(1);
        tokio::time::sleep(upkeep.settings.audit_interval).await;
    }
}
