//! A reply's body, read from the bare floor's file as the connection takes it.

use super::committer::Extent;
use bytes::Bytes;
use esker_env::DiskFile;
use http_body::{Body, Frame, SizeHint};
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

/// Bytes of one read.
const READ_BYTES_MAX: u64 = 256 << 10;

/// What is left to read.
#[derive(Debug)]
pub(super) struct FileBody {
    file: Arc<dyn DiskFile>,
    left: Extent,
}

impl FileBody {
    pub(super) fn new(file: Arc<dyn DiskFile>, extent: Extent) -> FileBody {
        FileBody { file, left: extent }
    }

    /// Reads on the thread of the connection: what is measured was written a moment ago and is in the page cache.
    fn read(&mut self) -> io::Result<Bytes> {
        let length = self.left.length.min(READ_BYTES_MAX);
        let mut bytes = vec![0; usize::try_from(length).unwrap_or(0)];
        self.file.read_exact_at(&mut bytes, self.left.offset).map_err(io::Error::other)?;
        self.left = Extent { offset: self.left.offset + length, length: self.left.length - length };
        Ok(bytes.into())
    }
}

impl Body for FileBody {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<io::Result<Frame<Bytes>>>> {
        if self.left.length == 0 {
            return Poll::Ready(None);
        }
        Poll::Ready(Some(self.read().map(Frame::data)))
    }

    fn is_end_stream(&self) -> bool {
        self.left.length == 0
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.left.length)
    }
}
