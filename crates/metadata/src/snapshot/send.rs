//! The sending side: rows of a view as chunks and a footer.

use bytes::Bytes;

use crate::rows::RowsView;
use crate::snapshot::chunk::{ChunkWriter, Summary};
use crate::snapshot::{SnapshotError, Totals};

/// One message of a snapshot after its header.
#[derive(Debug)]
pub(crate) enum SnapshotPart {
    /// Rows.
    Chunk(Bytes),
    /// The end, and what the rows add up to.
    Footer(Totals),
}

/// Reads a view from its first row to its last. Iterating blocks; between two parts nothing of the engine is held but
/// the view, so that they may be far apart.
#[derive(Debug)]
pub(crate) struct ChunkReader {
    view: RowsView,
    /// No row before this one is left to read.
    next: Bytes,
    summary: Summary,
    ended: bool,
}

impl ChunkReader {
    pub(crate) fn new(view: RowsView) -> ChunkReader {
        ChunkReader { view, next: Bytes::new(), summary: Summary::default(), ended: false }
    }

    fn next_part(&mut self) -> Result<SnapshotPart, SnapshotError> {
        let mut chunk = ChunkWriter::new();
        let mut last = None;
        for pair in self.view.rows_from(self.next.clone())? {
            let (key, value) = pair?;
            chunk.push(&key, &value, &mut self.summary)?;
            last = Some(key);
            if chunk.is_full() {
                break;
            }
        }
        let Some(last) = last else {
            self.ended = true;
            return Ok(SnapshotPart::Footer(self.summary.totals()));
        };
        self.next = successor(&last);
        Ok(SnapshotPart::Chunk(chunk.finish()))
    }
}

/// The least key that is greater.
fn successor(key: &[u8]) -> Bytes {
    [key, &[0]].concat().into()
}

impl Iterator for ChunkReader {
    type Item = Result<SnapshotPart, SnapshotError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.ended {
            return None;
        }
        let part = self.next_part();
        self.ended |= part.is_err();
        Some(part)
    }
}
