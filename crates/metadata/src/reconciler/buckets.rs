//! Buckets whose creation or deletion stopped half-way.

use super::{Interrupted, Reconciler};
use esker_index::command::CommandBody;
use esker_index::outcome::{Done, Step};
use esker_index::query::{Answer, Query, Unfinished};
use esker_index::records::DirectoryEntry;
use esker_types::{BucketId, BucketName, GroupId};

/// Most buckets that one round looks at.
const BUCKETS_PER_ROUND: usize = 100;

pub(super) async fn finish(reconciler: &Reconciler, group: GroupId) -> Result<(), Interrupted> {
    let query = Query::Unfinished { limit: BUCKETS_PER_ROUND };
    let Answer::Unfinished(found) = reconciler.metadata.query(group, query).await? else {
        return Err(Interrupted::OtherAnswer);
    };
    for bucket in found {
        match bucket {
            Unfinished::Creating { name, entry } => open(reconciler, name, entry).await?,
            Unfinished::Sealed { name, bucket } => remove(reconciler, group, name, bucket).await?,
        }
    }
    Ok(())
}

/// The client may have been told nothing, or that the outcome is unknown. Either way the name is taken, so the
/// bucket behind it must exist.
async fn open(reconciler: &Reconciler, name: BucketName, entry: DirectoryEntry) -> Result<(), Interrupted> {
    let DirectoryEntry { id: bucket, group, owner, .. } = entry;
    let _ = reconciler.propose(group, CommandBody::OpenBucket { bucket, name: name.clone(), owner }).await?;
    let activate = CommandBody::ActivateBucket { name: name.clone(), bucket };
    let _ = reconciler.propose(GroupId::DIRECTORY, activate).await?;
    tracing::info!(%name, bucket = bucket.0, "finished creating a bucket");
    Ok(())
}

async fn remove(
    reconciler: &Reconciler,
    group: GroupId,
    name: BucketName,
    bucket: BucketId,
) -> Result<(), Interrupted> {
    let give_back = CommandBody::RemoveBucket { name: name.clone(), bucket };
    let _ = reconciler.propose(GroupId::DIRECTORY, give_back).await?;
    loop {
        match reconciler.propose(group, CommandBody::PurgeBucket { bucket }).await? {
            Ok(Done::Step(Step::More)) => {}
            Ok(_) => break,
            // Only a bucket that is not sealed is refused, and sealing is for good.
            Err(refusal) => {
                tracing::error!(%name, bucket = bucket.0, %refusal, "can't clean up a deleted bucket");
                return Ok(());
            }
        }
    }
    tracing::info!(%name, bucket = bucket.0, "cleaned up a deleted bucket");
    Ok(())
}
