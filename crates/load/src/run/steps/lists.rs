//! Lists: a page after a key chosen at random.

use crate::client::{Call, Take};
use crate::plan::Kind;
use crate::record::{Failure, FailureKind};
use crate::run::settings::Verify;
use crate::run::worker::Worker;
use esker_s3::xml::read;
use std::time::Duration;

impl Worker {
    pub(super) async fn list(&mut self, intended: Duration) {
        let (after, _) = self.prepared();
        let site = &self.load.site;
        let prefix = site.keys.prepared_prefix();
        let call = Call::list(&site.bucket, &prefix, &after, site.settings.page_entries);
        let take = self.keep();
        let verify = site.settings.verify;
        self.perform_checked(Kind::List, intended, call, take, 0, |reply| {
            if verify == Verify::Nothing {
                return Ok(());
            }
            let page = read::objects(&reply.body).map_err(|_| malformed_list())?;
            let first = page.keys.first().is_none_or(|key| *key > after);
            let ordered =
                first && page.keys.is_sorted() && page.keys.iter().all(|key| key.starts_with(&prefix));
            if ordered { Ok(()) } else { Err(Failure::new(FailureKind::Verify, "a list out of order")) }
        })
        .await;
    }

    pub(super) async fn list_versions(&mut self, intended: Duration) {
        let (after, _) = self.prepared();
        let site = &self.load.site;
        let (prefix, entries) = (site.keys.prepared_prefix(), site.settings.page_entries);
        let call = Call::list_versions(&site.bucket, &prefix, Some((&after, None)), entries);
        let take = self.keep();
        let verify = site.settings.verify;
        self.perform_checked(Kind::ListVersions, intended, call, take, 0, |reply| {
            if verify == Verify::Nothing {
                return Ok(());
            }
            let page = read::versions(&reply.body).map_err(|_| malformed_list())?;
            let keys = || page.entries.iter().map(|entry| entry.key.as_str());
            let ordered =
                keys().is_sorted() && keys().all(|key| key > after.as_str() && key.starts_with(&prefix));
            if ordered { Ok(()) } else { Err(Failure::new(FailureKind::Verify, "a list out of order")) }
        })
        .await;
    }

    fn keep(&self) -> Take {
        match self.load.site.settings.verify {
            Verify::Nothing => Take::Count,
            Verify::Everything => Take::Keep,
        }
    }
}

fn malformed_list() -> Failure {
    Failure::new(FailureKind::Malformed, "a list that is no list")
}
