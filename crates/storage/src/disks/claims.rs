//! Puts under way. Several of one blob go to the same disk, where one committer orders them: otherwise each would find the
//! blob nowhere, and two disks would end up with it.

use esker_types::BlobId;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::sync::OnceCell;

/// The disk that the puts of a blob go to, once the first of them has chosen.
type Choice = Arc<OnceCell<usize>>;

/// One entry for each blob that is being put.
#[derive(Debug, Default)]
pub(super) struct Claims(Mutex<HashMap<BlobId, Choice>>);

/// A put under way.
#[derive(Debug)]
pub(super) struct Turn<'a> {
    claims: &'a Claims,
    blob: BlobId,
    pub(super) choice: Choice,
}

impl Claims {
    /// Begins a put.
    pub(super) fn enter(&self, blob: BlobId) -> Turn<'_> {
        let choice = Arc::clone(self.lock().entry(blob).or_default());
        Turn { claims: self, blob, choice }
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<BlobId, Choice>> {
        // No holder leaves the map half changed.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        let mut claims = self.claims.lock();
        // The map's and this one's: nobody else is left, and whoever comes needs the lock.
        if Arc::strong_count(&self.choice) == 2 {
            claims.remove(&self.blob);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use esker_types::{DataId, GroupId};

    #[test]
    fn puts_of_a_blob_share_a_choice_until_the_last_ends() {
        let claims = Claims::default();
        let blob = BlobId { data: DataId::new(1, GroupId(1), 1), chunk: 0 };
        let first = claims.enter(blob);
        first.choice.set(3).unwrap();
        let second = claims.enter(blob);
        drop(first);
        assert_eq!(claims.enter(blob).choice.get(), Some(&3));
        drop(second);
        assert_eq!(claims.enter(blob).choice.get(), None);
        assert!(claims.lock().is_empty());
    }
}
