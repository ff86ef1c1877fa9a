//! The text of a data directory's marker. People read it when something is wrong, so it is plain text.

use crate::datadir::{ClusterId, Identity};
use crate::format::checksum::crc32c;
use esker_types::NodeId;

const TITLE: &str = "esker data directory";
const FORMAT: &str = "1";

/// What is wrong with a marker.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum MarkerError {
    /// The text isn't a marker, or a part of it was changed.
    #[error("it is damaged, or not a marker")]
    Damaged,
    /// Written by another version of Esker.
    #[error("its format {0:?} is not known; this build reads format {FORMAT:?}")]
    Format(String),
}

/// The marker's text.
pub(crate) fn encode(identity: &Identity) -> String {
    let Identity { cluster, node } = identity;
    let text = format!("{TITLE}\nformat {FORMAT}\ncluster {cluster}\nnode {node}\n");
    let crc = crc32c(text.as_bytes());
    format!("{text}crc32c {crc:08x}\n")
}

/// Reads a marker's text.
pub(crate) fn decode(bytes: &[u8]) -> Result<Identity, MarkerError> {
    let text = std::str::from_utf8(bytes).map_err(|_| MarkerError::Damaged)?;
    let mut lines = text.lines();
    let mut field = |name: &str| {
        let line = lines.next().ok_or(MarkerError::Damaged)?;
        line.strip_prefix(name).map(str::trim_start).ok_or(MarkerError::Damaged)
    };
    field(TITLE)?;
    // The format is read first: what follows it is another version's business.
    let format = field("format ")?;
    if format != FORMAT {
        return Err(MarkerError::Format(format.chars().take(20).collect()));
    }
    let cluster = u128::from_str_radix(field("cluster ")?, 16).map_err(|_| MarkerError::Damaged)?;
    let node = u64::from_str_radix(field("node ")?, 16).map_err(|_| MarkerError::Damaged)?;
    let identity = Identity { cluster: ClusterId(cluster.to_be_bytes()), node: NodeId(node) };
    if encode(&identity).as_bytes() == bytes { Ok(identity) } else { Err(MarkerError::Damaged) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn identity() -> Identity {
        Identity { cluster: ClusterId(*b"0123456789abcdef"), node: NodeId(0xfeed) }
    }

    #[test]
    fn a_marker_is_plain_text() {
        let text = "esker data directory\nformat 1\ncluster 30313233343536373839616263646566\n\
                    node 000000000000feed\ncrc32c 261d7ecb\n";
        assert_eq!(encode(&identity()), text);
        assert_eq!(decode(text.as_bytes()), Ok(identity()));
    }

    #[test]
    fn every_changed_or_missing_byte_is_refused() {
        let text = encode(&identity()).into_bytes();
        for at in 0..text.len() {
            let mut changed = text.clone();
            changed[at] ^= 1;
            assert!(decode(&changed).is_err(), "byte {at}");
            assert!(decode(&text[..at]).is_err(), "cut at {at}");
        }
    }

    #[test]
    fn another_format_is_named() {
        let text = encode(&identity()).replace("format 1", "format 2");
        assert_eq!(decode(text.as_bytes()), Err(MarkerError::Format("2".into())));
    }
}
