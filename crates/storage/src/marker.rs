//! The text of a data directory's marker. People read it when something is wrong, so it is plain text.

use crate::datadir::Standing;
use crate::format::checksum::crc32c;
use esker_types::{ClusterId, NodeId};

const TITLE: &str = "esker data directory";
/// Has a node without a cluster, too, and says how far the node has come.
const FORMAT: &str = "2";
/// What the first release wrote: a node and its cluster.
const FORMAT_FIRST: &str = "1";

/// What a marker says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Marker {
    pub(crate) node: NodeId,
    pub(crate) standing: Standing,
    pub(crate) format: MarkerFormat,
}

/// The format that a marker was read in. Only the newest is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum MarkerFormat {
    /// Of the release whose nodes were all alone.
    First,
    /// This build's.
    Current,
}

/// What is wrong with a marker.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum MarkerError {
    /// The text isn't a marker, or a part of it was changed.
    #[error("it is damaged, or not a marker")]
    Damaged,
    /// Written by another version of Esker.
    #[error("its format {0:?} is not known; this build reads formats up to {FORMAT:?}")]
    Format(String),
}

/// The marker's text.
pub(crate) fn encode(marker: &Marker) -> String {
    let Marker { node, standing, format: _ } = marker;
    let standing = match standing {
        Standing::Empty => "empty".to_owned(),
        Standing::Adopted(cluster) => format!("adopted {}", cluster.0.simple()),
        Standing::Member(cluster) => format!("member {}", cluster.0.simple()),
    };
    seal(format!("{TITLE}\nformat {FORMAT}\nnode {node}\nstanding {standing}\n"))
}

fn encode_first(cluster: ClusterId, node: NodeId) -> String {
    seal(format!("{TITLE}\nformat {FORMAT_FIRST}\ncluster {}\nnode {node}\n", cluster.0.simple()))
}

fn seal(text: String) -> String {
    let crc = crc32c(text.as_bytes());
    text + &format!("crc32c {crc:08x}\n")
}

/// Reads a marker's text, of this format or an earlier one.
pub(crate) fn decode(bytes: &[u8]) -> Result<Marker, MarkerError> {
    let text = std::str::from_utf8(bytes).map_err(|_| MarkerError::Damaged)?;
    let mut lines = Lines(text.lines());
    lines.field(TITLE)?;
    // The format is read first: what follows it is another version's business.
    match lines.field("format ")? {
        FORMAT_FIRST => {
            let cluster = cluster(lines.field("cluster ")?)?;
            let node = node(lines.field("node ")?)?;
            let standing = Standing::Adopted(cluster);
            let marker = Marker { node, standing, format: MarkerFormat::First };
            if encode_first(cluster, node).as_bytes() == bytes {
                Ok(marker)
            } else {
                Err(MarkerError::Damaged)
            }
        }
        FORMAT => {
            let node = node(lines.field("node ")?)?;
            let standing = match lines.field("standing ")?.split_once(' ') {
                None => Standing::Empty,
                Some(("adopted", name)) => Standing::Adopted(cluster(name)?),
                Some(("member", name)) => Standing::Member(cluster(name)?),
                Some(_) => return Err(MarkerError::Damaged),
            };
            let marker = Marker { node, standing, format: MarkerFormat::Current };
            if encode(&marker).as_bytes() == bytes { Ok(marker) } else { Err(MarkerError::Damaged) }
        }
        other => Err(MarkerError::Format(other.chars().take(20).collect())),
    }
}

struct Lines<'a>(std::str::Lines<'a>);

impl<'a> Lines<'a> {
    fn field(&mut self, name: &str) -> Result<&'a str, MarkerError> {
        let line = self.0.next().ok_or(MarkerError::Damaged)?;
        line.strip_prefix(name).ok_or(MarkerError::Damaged)
    }
}

fn cluster(text: &str) -> Result<ClusterId, MarkerError> {
    let bits = u128::from_str_radix(text, 16).map_err(|_| MarkerError::Damaged)?;
    Ok(ClusterId::from_bytes(bits.to_be_bytes()))
}

fn node(text: &str) -> Result<NodeId, MarkerError> {
    u64::from_str_radix(text, 16).map(NodeId).map_err(|_| MarkerError::Damaged)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id() -> ClusterId {
        ClusterId::from_bytes(*b"0123456789abcdef")
    }

    fn marker(standing: Standing) -> Marker {
        Marker { node: NodeId(0xfeed), standing, format: MarkerFormat::Current }
    }

    fn markers() -> [Marker; 3] {
        [Standing::Empty, Standing::Adopted(id()), Standing::Member(id())].map(marker)
    }

    #[test]
    fn a_marker_is_plain_text() {
        let texts = [
            "esker data directory\nformat 2\nnode 000000000000feed\nstanding empty\ncrc32c 6a11f0b6\n",
            "esker data directory\nformat 2\nnode 000000000000feed\n\
             standing adopted 30313233343536373839616263646566\ncrc32c 4a2ae2a4\n",
            "esker data directory\nformat 2\nnode 000000000000feed\n\
             standing member 30313233343536373839616263646566\ncrc32c 515c3cdf\n",
        ];
        for (marker, text) in markers().iter().zip(texts) {
            assert_eq!(encode(marker), text);
            assert_eq!(decode(text.as_bytes()), Ok(*marker));
        }
    }

    #[test]
    fn a_marker_of_the_first_format_is_read() {
        let text = "esker data directory\nformat 1\ncluster 30313233343536373839616263646566\n\
                    node 000000000000feed\ncrc32c 261d7ecb\n";
        let expected = Marker { format: MarkerFormat::First, ..marker(Standing::Adopted(id())) };
        assert_eq!(decode(text.as_bytes()), Ok(expected));
        for at in 0..text.len() {
            let mut changed = text.as_bytes().to_vec();
            changed[at] ^= 1;
            assert!(decode(&changed).is_err(), "byte {at}");
        }
    }

    #[test]
    fn every_changed_or_missing_byte_is_refused() {
        for marker in markers() {
            let text = encode(&marker).into_bytes();
            for at in 0..text.len() {
                let mut changed = text.clone();
                changed[at] ^= 1;
                assert!(decode(&changed).is_err(), "byte {at}");
                assert!(decode(&text[..at]).is_err(), "cut at {at}");
            }
        }
    }

    #[test]
    fn another_format_is_named() {
        let text = encode(&marker(Standing::Empty)).replace("format 2", "format 3");
        assert_eq!(decode(text.as_bytes()), Err(MarkerError::Format("3".into())));
    }
}
