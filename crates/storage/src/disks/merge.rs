//! The lists of several disks as one. Pure.

use esker_rpc::{BlobPage, Wholeness};

/// One page of pages that begin after the same blob: at most `limit` blobs, each once, in order.
pub(super) fn merge(pages: Vec<BlobPage>, limit: usize) -> BlobPage {
    // Beyond the end of a page that is not the last of its disk, that disk may have blobs before those of others.
    let bound = pages.iter().filter_map(|page| page.next).min();
    let all = pages.into_iter().flat_map(|page| page.blobs);
    let mut blobs: Vec<_> = all.filter(|info| bound.is_none_or(|bound| info.blob <= bound)).collect();
    blobs.sort_by_key(|info| info.blob);
    // A disk that failed and came back may have a blob that was put elsewhere meanwhile.
    blobs.dedup_by_key(|info| info.blob);
    let next = if blobs.len() > limit {
        blobs.truncate(limit);
        blobs.last().map(|info| info.blob)
    } else {
        bound
    };
    BlobPage { blobs, next, wholeness: Wholeness::Whole }
}

#[cfg(test)]
mod tests {
    use super::*;
    use esker_rpc::BlobInfo;
    use esker_types::{BlobId, DataId, GroupId};
    use proptest::prelude::*;
    use std::collections::BTreeSet;

    fn blob(number: u64) -> BlobId {
        BlobId { data: DataId::new(number, GroupId(1), 0), chunk: 0 }
    }

    /// What one disk answers: it looks at `looks` blobs for a page of those that `wanted` holds.
    fn page(
        disk: &BTreeSet<u64>,
        after: Option<BlobId>,
        limit: usize,
        looks: usize,
        wanted: impl Fn(u64) -> bool,
    ) -> BlobPage {
        let mut page = BlobPage { blobs: Vec::new(), next: None, wholeness: Wholeness::Whole };
        let rest = disk.iter().filter(|number| after.is_none_or(|after| blob(**number) > after));
        let mut last = after;
        for (seen, number) in rest.enumerate() {
            if page.blobs.len() == limit || seen == looks {
                page.next = last;
                break;
            }
            last = Some(blob(*number));
            if wanted(*number) {
                page.blobs.push(BlobInfo { blob: blob(*number), length: *number });
            }
        }
        page
    }

    proptest! {
        #[test]
        fn pages_of_any_disks_give_every_blob_once_and_in_order(
            disks in prop::collection::vec(prop::collection::btree_set(0..60_u64, 0..30), 1..5),
            limit in 1..7_usize,
            looks in 1..9_usize,
            modulus in 1..4_u64,
        ) {
            let wanted = |number: u64| number % modulus == 0;
            let (mut found, mut after) = (Vec::new(), None);
            loop {
                let pages = disks.iter().map(|disk| page(disk, after, limit, looks, wanted)).collect();
                let merged = merge(pages, limit);
                prop_assert!(merged.blobs.len() <= limit);
                found.extend(merged.blobs.iter().map(|info| info.length));
                let Some(next) = merged.next else { break };
                prop_assert!(after.is_none_or(|after| next > after), "a list goes on");
                after = Some(next);
            }
            let all: BTreeSet<u64> = disks.into_iter().flatten().filter(|number| wanted(*number)).collect();
            prop_assert_eq!(found, all.into_iter().collect::<Vec<_>>());
        }
    }
}
