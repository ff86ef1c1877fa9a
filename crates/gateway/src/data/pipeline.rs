//! From raw bytes to checked ones: decoding and digests, beside the threads that serve requests.
//!
//! MD5 takes some 2 ms for a mebibyte, and SHA-256 more without processor support: run between two awaits of
//! a request, that would hold up every other request of the thread. So bytes are collected into batches for the
//! blocking pool; while one batch is worked on, the next is collected, and a body that comes faster than it can
//! be digested waits. A hand-over costs about 10 µs, so a small batch is worked on where it is. The MD5 of large batches
//! is computed together with that of other bodies ([`Digesters`]).

use super::digesters::Digesters;
use super::errors::read_error;
use super::incoming::RequestBody;
use super::read::ObjectReader;
use bytes::Bytes;
use esker_s3::body::{BodyReader, BodySummary};
use esker_s3::checksum::ChecksumState;
use esker_s3::md5::Md5;
use esker_s3::{ErrorCode, S3Error};
use esker_types::{Checksum, ChecksumAlgorithm, ETag};
use std::collections::VecDeque;
use std::future::Future;
use std::sync::Arc;
use tokio::task::spawn_blocking;

/// Bytes that are collected before they are worked on.
const BATCH_BYTES: usize = 512 << 10;
/// Up to so many bytes a batch is worked on without a hand-over.
const INLINE_BYTES_MAX: usize = 32 << 10;

/// Where raw bytes come from.
pub(crate) trait Source: Send {
    /// The next bytes, never none of them; `None` at the end.
    fn next(&mut self) -> impl Future<Output = Result<Option<Bytes>, S3Error>> + Send;
}

impl Source for RequestBody {
    async fn next(&mut self) -> Result<Option<Bytes>, S3Error> {
        RequestBody::next(self).await
    }
}

impl Source for ObjectReader {
    async fn next(&mut self) -> Result<Option<Bytes>, S3Error> {
        // The reader has logged what happened.
        ObjectReader::next(self).await.map_err(|error| read_error(&error))
    }
}

/// Nothing to read, for an object without bytes.
impl<S: Source> Source for Option<S> {
    async fn next(&mut self) -> Result<Option<Bytes>, S3Error> {
        match self {
            Some(source) => source.next().await,
            None => Ok(None),
        }
    }
}

/// What is done with the bytes, but for their MD5.
pub(crate) trait Stage: Send + 'static {
    /// Works on the next bytes and passes on what they hold.
    fn work(&mut self, input: Bytes, output: &mut VecDeque<Bytes>) -> Result<(), S3Error>;
}

impl Stage for BodyReader {
    fn work(&mut self, mut input: Bytes, output: &mut VecDeque<Bytes>) -> Result<(), S3Error> {
        while let Some(piece) = self.decode(&mut input)? {
            output.push_back(piece);
        }
        Ok(())
    }
}

/// The digests of bytes that are copied: nothing states what they should be.
pub(crate) struct CopyDigests {
    checksum: ChecksumState,
    size: u64,
}

impl CopyDigests {
    pub(crate) fn new(algorithm: ChecksumAlgorithm) -> CopyDigests {
        CopyDigests { checksum: ChecksumState::new(algorithm), size: 0 }
    }

    /// Length in bytes and checksum of what was copied.
    fn finish(self) -> (u64, Checksum) {
        (self.size, self.checksum.finish())
    }
}

impl Stage for CopyDigests {
    fn work(&mut self, input: Bytes, output: &mut VecDeque<Bytes>) -> Result<(), S3Error> {
        self.checksum.update(&input);
        self.size += input.len() as u64;
        output.push_back(input);
        Ok(())
    }
}

/// Bytes of a source, worked on by a stage. Holds at most two batches.
pub(crate) struct Pipeline<S, T> {
    source: S,
    digesters: Arc<Digesters>,
    /// `None` only after an error.
    work: Option<Work<T>>,
    /// Collected, not worked on yet.
    batch: Batch,
    /// Worked on, not taken yet.
    ready: VecDeque<Bytes>,
}

struct Work<T> {
    stage: T,
    /// Of all that came out of the stage.
    md5: Md5,
}

#[derive(Default)]
struct Batch {
    pieces: Vec<Bytes>,
    bytes: usize,
    /// Whether nothing follows it.
    last: bool,
}

impl<S: Source, T: Stage> Pipeline<S, T> {
    pub(crate) fn new(source: S, stage: T, digesters: &Arc<Digesters>) -> Pipeline<S, T> {
        let work = Some(Work { stage, md5: Md5::default() });
        let digesters = Arc::clone(digesters);
        Pipeline { source, digesters, work, batch: Batch::default(), ready: VecDeque::new() }
    }

    /// The next bytes, never none of them; `None` at the end, after which [`Pipeline::finish`] tells whether
    /// they may be used.
    pub(crate) async fn next(&mut self) -> Result<Option<Bytes>, S3Error> {
        loop {
            if let Some(piece) = self.ready.pop_front() {
                return Ok(Some(piece));
            }
            if self.batch.pieces.is_empty() {
                if self.batch.last {
                    return Ok(None);
                }
                collect(&mut self.source, &mut self.batch).await?;
                continue;
            }
            let work = self.work.take().ok_or(ErrorCode::InternalError)?;
            let last = self.batch.last;
            let batch = std::mem::replace(&mut self.batch, Batch { last, ..Batch::default() });
            // Whichever fails first ends it: a client whose chunk is wrong may wait for the reply before it sends more.
            let done = work.on(batch, &self.digesters);
            let ((work, ready), ()) = tokio::try_join!(done, collect(&mut self.source, &mut self.batch))?;
            self.work = Some(work);
            self.ready = ready;
        }
    }

    /// The stage, which has seen every byte, and the MD5. The source goes last, since an unread rest of it is drained.
    fn finish(self) -> Result<(T, [u8; 16]), S3Error> {
        debug_assert!(self.batch.last && self.ready.is_empty(), "finished before its end");
        let Work { stage, md5 } = self.work.ok_or(ErrorCode::InternalError)?;
        Ok((stage, md5.finish()))
    }
}

impl Pipeline<RequestBody, BodyReader> {
    /// What the body amounts to, once all of it was taken.
    ///
    /// # Errors
    /// It is not what the client announced.
    pub(crate) fn summary(self) -> Result<BodySummary, S3Error> {
        let (reader, md5) = self.finish()?;
        reader.finish(md5)
    }
}

impl<S: Source> Pipeline<S, CopyDigests> {
    /// Length in bytes, tag and checksum of what was copied, once all of it was taken.
    pub(crate) fn digests(self) -> Result<(u64, ETag, Checksum), S3Error> {
        let (copied, md5) = self.finish()?;
        let (size, checksum) = copied.finish();
        Ok((size, ETag::of_body(md5), checksum))
    }
}

/// Reads until the batch is full or the source at its end.
async fn collect(source: &mut impl Source, batch: &mut Batch) -> Result<(), S3Error> {
    while batch.bytes < BATCH_BYTES && !batch.last {
        match source.next().await? {
            Some(piece) => {
                batch.bytes += piece.len();
                batch.pieces.push(piece);
            }
            None => batch.last = true,
        }
    }
    Ok(())
}

impl<T: Stage> Work<T> {
    async fn on(
        mut self,
        batch: Batch,
        digesters: &Arc<Digesters>,
    ) -> Result<(Self, VecDeque<Bytes>), S3Error> {
        if batch.bytes <= INLINE_BYTES_MAX {
            let ready = self.check(batch)?;
            ready.iter().for_each(|piece| self.md5.update(piece));
            return Ok((self, ready));
        }
        let digesters = Arc::clone(digesters);
        let run = move || {
            let ready = self.check(batch)?;
            self.md5 = digesters.update(self.md5, ready.clone()).ok_or(ErrorCode::InternalError)?;
            Ok((self, ready))
        };
        // The blocking pool fails only if the runtime shuts down.
        spawn_blocking(run).await.unwrap_or(Err(ErrorCode::InternalError.into()))
    }

    fn check(&mut self, batch: Batch) -> Result<VecDeque<Bytes>, S3Error> {
        let mut ready = VecDeque::with_capacity(batch.pieces.len());
        for piece in batch.pieces {
            self.stage.work(piece, &mut ready)?;
        }
        Ok(ready)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Scripted(VecDeque<Result<Bytes, S3Error>>);

    impl Source for Scripted {
        async fn next(&mut self) -> Result<Option<Bytes>, S3Error> {
            self.0.pop_front().transpose()
        }
    }

    fn pieces(count: u8, length: usize) -> VecDeque<Result<Bytes, S3Error>> {
        (0..count).map(|n| Ok(Bytes::from(vec![n; length]))).collect()
    }

    #[tokio::test]
    async fn every_byte_is_digested_once_and_in_order_whatever_the_batches() {
        let sizes = [(0, 0), (1, 10), (3, INLINE_BYTES_MAX), (9, BATCH_BYTES / 2 - 1), (5, BATCH_BYTES)];
        for (count, length) in sizes {
            let script = pieces(count, length);
            let expected: Vec<u8> = script.iter().flatten().flatten().copied().collect();
            let digests = CopyDigests::new(ChecksumAlgorithm::Crc32);
            let mut pipeline = Pipeline::new(Scripted(script), digests, &Arc::default());
            let mut passed = Vec::new();
            while let Some(piece) = pipeline.next().await.expect("no error") {
                assert!(!piece.is_empty());
                passed.extend_from_slice(&piece);
            }
            assert!(passed == expected, "{count} pieces of {length} bytes");
            let (size, etag, checksum) = pipeline.digests().expect("ended");
            assert_eq!(size, expected.len() as u64);
            assert_eq!(etag, ETag::of_body(Md5::of(&expected)));
            assert_eq!(checksum, ChecksumState::of(ChecksumAlgorithm::Crc32, &expected));
        }
    }

    #[tokio::test]
    async fn an_error_of_the_source_ends_the_pipeline() {
        let mut script = pieces(3, BATCH_BYTES);
        script.push_back(Err(ErrorCode::IncompleteBody.into()));
        let copied = CopyDigests::new(ChecksumAlgorithm::Crc32);
        let mut pipeline = Pipeline::new(Scripted(script), copied, &Arc::default());
        let error = loop {
            match pipeline.next().await {
                Ok(piece) => assert!(piece.is_some(), "a body that broke off never ends well"),
                Err(error) => break error,
            }
        };
        assert_eq!(error.code, ErrorCode::IncompleteBody);
    }
}
