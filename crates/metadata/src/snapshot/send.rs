//! The sending side: rows of a view as chunks and a footer.

use bytes::Bytes;
use esker_kv::{KvError, Pairs};

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

/// Reads a view from its first row to its last. Iterating blocks.
pub(crate) struct ChunkReader<'a> {
    pairs: Pairs<'a>,
    summary: Summary,
    ended: bool,
}

impl<'a> ChunkReader<'a> {
    pub(crate) fn new(view: &'a RowsView) -> Result<ChunkReader<'a>, KvError> {
        Ok(ChunkReader { pairs: view.all()?, summary: Summary::default(), ended: false })
    }

    fn next_part(&mut self) -> Result<SnapshotPart, SnapshotError> {
        let mut chunk = ChunkWriter::new();
        while !chunk.is_full() {
            let Some(pair) = self.pairs.next() else { break };
            let (key, value) = pair?;
            chunk.push(&key, &value, &mut self.summary)?;
        }
        if chunk.is_empty() {
            self.ended = true;
            return Ok(SnapshotPart::Footer(self.summary.totals()));
        }
        Ok(SnapshotPart::Chunk(chunk.finish()))
    }
}

impl Iterator for ChunkReader<'_> {
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
