//! The text of a data disk's marker. People read it when something is wrong, so it is plain text, like the node's own.

use super::DiskId;
use crate::datadir::Identity;
use crate::marker::{Lines, MarkerError, cluster, node, seal};

const TITLE: &str = "esker data disk";
const FORMAT: &str = "1";

/// What the marker says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct DiskMarker {
    /// Whose it is.
    pub(super) identity: Identity,
    /// Which of the node's disks it is.
    pub(super) disk: DiskId,
}

/// The marker's text.
pub(super) fn encode(marker: DiskMarker) -> String {
    let DiskMarker { identity, disk } = marker;
    let (cluster, node) = (identity.cluster.0.simple(), identity.node);
    seal(format!("{TITLE}\nformat {FORMAT}\ncluster {cluster}\nnode {node}\ndisk {disk}\n"))
}

/// Reads a marker's text.
pub(super) fn decode(bytes: &[u8]) -> Result<DiskMarker, MarkerError> {
    let text = std::str::from_utf8(bytes).map_err(|_| MarkerError::Damaged)?;
    let mut lines = Lines::new(text);
    lines.field(TITLE)?;
    // The format is read first: what follows it is another version's business.
    match lines.field("format ")? {
        FORMAT => {}
        other => return Err(MarkerError::Format(other.chars().take(20).collect())),
    }
    let identity =
        Identity { cluster: cluster(lines.field("cluster ")?)?, node: node(lines.field("node ")?)? };
    let disk = DiskId::parse(lines.field("disk ")?).ok_or(MarkerError::Damaged)?;
    let marker = DiskMarker { identity, disk };
    if encode(marker).as_bytes() == bytes { Ok(marker) } else { Err(MarkerError::Damaged) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use esker_types::{ClusterId, NodeId};

    fn marker() -> DiskMarker {
        let cluster = ClusterId::from_bytes(*b"0123456789abcdef");
        DiskMarker { identity: Identity { cluster, node: NodeId(0xfeed) }, disk: DiskId(0xd15c) }
    }

    const TEXT: &str = "esker data disk\nformat 1\ncluster 30313233343536373839616263646566\n\
                        node 000000000000feed\ndisk 000000000000d15c\ncrc32c CRC\n";

    #[test]
    fn a_marker_is_plain_text() {
        let text = encode(marker());
        let (body, crc) = text.trim_end().rsplit_once(' ').expect("it ends with its checksum");
        assert_eq!(format!("{body} CRC\n"), TEXT);
        assert_eq!(
            crc,
            format!(
                "{:08x}",
                crate::format::checksum::crc32c(
                    body.rsplit_once('\n').map(|(text, _)| format!("{text}\n")).expect("lines").as_bytes()
                )
            )
        );
        assert_eq!(decode(text.as_bytes()), Ok(marker()));
    }

    #[test]
    fn every_changed_or_missing_byte_is_refused() {
        let text = encode(marker()).into_bytes();
        for at in 0..text.len() {
            let mut changed = text.clone();
            changed[at] ^= 1;
            assert!(decode(&changed).is_err(), "byte {at}");
            assert!(decode(&text[..at]).is_err(), "cut at {at}");
        }
    }

    #[test]
    fn another_format_is_named() {
        let text = encode(marker()).replace("format 1", "format 2");
        assert_eq!(decode(text.as_bytes()), Err(MarkerError::Format("2".into())));
    }
}
