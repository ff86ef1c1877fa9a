//! A body that can begin again as long as little of it was taken.

use bytes::Bytes;
use esker_rpc::{BlobBody, BodyAborted};
use futures::StreamExt as _;
use std::sync::Arc;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// A put's body, the first bytes of which are kept for a second try.
pub(crate) struct Rewind {
    rest: BlobBody,
    /// What was taken so far; none once it is too much to be kept.
    kept: Option<Kept>,
    keep: Keep,
    /// How many of the kept pieces this try has taken.
    replayed: usize,
    /// Whether the body has come to its end. A stream is not to be asked again after that.
    end: End,
}

/// How much may be kept.
#[derive(Clone, Debug)]
pub(crate) struct Keep {
    /// Of one body, in bytes.
    pub(crate) each_max: usize,
    /// Of all bodies together: one permit for each byte.
    pub(crate) all: Arc<Semaphore>,
}

#[derive(Debug, Default)]
struct Kept {
    pieces: Vec<(Bytes, OwnedSemaphorePermit)>,
    bytes: usize,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum End {
    Ahead,
    /// All bytes were taken.
    Reached,
    /// The sender gave up.
    Aborted,
}

impl Rewind {
    /// A body of which so much is kept.
    pub(crate) fn new(body: BlobBody, keep: Keep) -> Rewind {
        Rewind { rest: body, kept: Some(Kept::default()), keep, replayed: 0, end: End::Ahead }
    }

    /// The next piece. Nothing of it is lost if the future is dropped.
    pub(crate) async fn next(&mut self) -> Option<Result<Bytes, BodyAborted>> {
        if let Some((piece, _)) = self.kept.as_ref().and_then(|kept| kept.pieces.get(self.replayed)) {
            self.replayed += 1;
            return Some(Ok(piece.clone()));
        }
        match self.end {
            End::Ahead => {}
            End::Reached => return None,
            End::Aborted => return Some(Err(BodyAborted)),
        }
        let piece = self.rest.next().await;
        match &piece {
            None => self.end = End::Reached,
            Some(Err(BodyAborted)) => self.end = End::Aborted,
            Some(Ok(_)) => {}
        }
        if let Some(Ok(piece)) = &piece {
            self.keep(piece);
        }
        piece
    }

    /// Keeps a piece, or gives up what was kept.
    fn keep(&mut self, piece: &Bytes) {
        let Some(mut kept) = self.kept.take() else { return };
        kept.bytes += piece.len();
        let room = if kept.bytes <= self.keep.each_max { u32::try_from(piece.len()).ok() } else { None };
        let permit = room.and_then(|bytes| Arc::clone(&self.keep.all).try_acquire_many_owned(bytes).ok());
        if let Some(permit) = permit {
            self.replayed += 1;
            kept.pieces.push((piece.clone(), permit));
            self.kept = Some(kept);
        }
    }

    /// Begins again; false if that is not possible any more.
    pub(crate) fn rewind(&mut self) -> bool {
        self.replayed = 0;
        self.kept.is_some()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn body(lengths: &[usize]) -> BlobBody {
        let pieces: Vec<_> = lengths.iter().map(|length| Ok(Bytes::from(vec![7; *length]))).collect();
        // Unlike some streams, this one panics when it is asked again after its end.
        futures::stream::unfold(pieces.into_iter(), |mut rest| async { Some((rest.next()?, rest)) }).boxed()
    }

    fn keep(each_max: usize, all: usize) -> Keep {
        Keep { each_max, all: Arc::new(Semaphore::new(all)) }
    }

    async fn lengths(body: &mut Rewind, most: usize) -> Vec<usize> {
        let mut lengths = Vec::new();
        while lengths.len() < most
            && let Some(piece) = body.next().await
        {
            lengths.push(piece.expect("no abort").len());
        }
        lengths
    }

    #[tokio::test]
    async fn a_body_begins_again_wherever_it_was_left() {
        let mut body = Rewind::new(body(&[1, 2, 3, 4]), keep(100, 100));
        for taken in [2, 1, 0, 3, 4, 5, 5] {
            assert_eq!(lengths(&mut body, taken).await, [1, 2, 3, 4][..taken.min(4)]);
            assert!(body.rewind());
        }
        assert_eq!(lengths(&mut body, 9).await, [1, 2, 3, 4]);
    }

    #[tokio::test]
    async fn all_bodies_together_keep_no_more_than_was_allowed() {
        let keep = keep(100, 120);
        let (mut first, mut second) =
            (Rewind::new(body(&[60, 1]), keep.clone()), Rewind::new(body(&[60, 1]), keep.clone()));
        assert_eq!((lengths(&mut first, 2).await, lengths(&mut second, 2).await), (vec![60, 1], vec![60, 1]));
        assert!(first.rewind() != second.rewind(), "there was room for one of them");
        drop((first, second));
        assert_eq!(keep.all.available_permits(), 120);
    }

    #[tokio::test]
    async fn no_more_is_kept_than_was_allowed() {
        let mut body = Rewind::new(body(&[60, 40, 1]), keep(100, 1000));
        assert_eq!(lengths(&mut body, 2).await, [60, 40]);
        assert!(body.rewind());
        assert_eq!(lengths(&mut body, 3).await, [60, 40, 1]);
        assert!(!body.rewind());
    }
}
