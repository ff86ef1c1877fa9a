//! Ends a scan at its first error, so that a caller who skips errors cannot mistake a damaged range for a short one.

use bytes::Bytes;

use crate::KvError;

/// Yields what `inner` yields, up to and including the first error.
pub(crate) struct UntilError<I> {
    inner: Option<I>,
}

impl<I> UntilError<I> {
    pub(crate) fn new(inner: I) -> Self {
        Self { inner: Some(inner) }
    }
}

impl<I: Iterator<Item = Result<(Bytes, Bytes), KvError>>> Iterator for UntilError<I> {
    type Item = Result<(Bytes, Bytes), KvError>;

    fn next(&mut self) -> Option<Self::Item> {
        let item = self.inner.as_mut()?.next();
        if !matches!(item, Some(Ok(_))) {
            self.inner = None;
        }
        item
    }
}
