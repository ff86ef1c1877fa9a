//! The planes, and the line that a connection opens with.

use std::io;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};

/// What a connection is for. Each plane is served by tasks of its own, so that no amount of data delays a heartbeat.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Plane {
    /// Raft: log entries, votes, heartbeats, snapshots.
    Raft,
    /// Everything else: blobs, commands and queries of other nodes, control.
    Data,
}

/// Both lines have one length, so that reading a preface takes no byte of what follows.
const PREFACE_BYTES: usize = 13;
const RAFT: &[u8; PREFACE_BYTES] = b"esker/1 raft\n";
const DATA: &[u8; PREFACE_BYTES] = b"esker/1 data\n";

/// A connection did not open as one of a node does.
#[derive(Debug, thiserror::Error)]
pub enum PrefaceError {
    /// It ended, or broke.
    #[error("the connection broke before its preface: {0}")]
    Io(#[from] io::Error),
    /// Something else speaks, or a node of another version.
    #[error("the connection opens with {0:?}, not with a preface of this version")]
    Unknown(String),
}

/// Opens a connection.
///
/// # Errors
/// The connection broke.
pub async fn write_preface(stream: &mut (impl AsyncWrite + Unpin), plane: Plane) -> io::Result<()> {
    let line = match plane {
        Plane::Raft => RAFT,
        Plane::Data => DATA,
    };
    stream.write_all(line).await?;
    stream.flush().await
}

/// Reads how a connection opens; not a byte more. The caller sets the deadline.
///
/// # Errors
/// The connection broke, or something else speaks.
pub async fn read_preface(stream: &mut (impl AsyncRead + Unpin)) -> Result<Plane, PrefaceError> {
    let mut line = [0; PREFACE_BYTES];
    stream.read_exact(&mut line).await?;
    match &line {
        RAFT => Ok(Plane::Raft),
        DATA => Ok(Plane::Data),
        _ => Err(PrefaceError::Unknown(String::from_utf8_lossy(&line).into_owned())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_preface_names_its_plane_and_takes_no_byte_of_what_follows() {
        for plane in [Plane::Raft, Plane::Data] {
            let (mut near, mut far) = tokio::io::duplex(64);
            write_preface(&mut near, plane).await.unwrap();
            near.write_all(b"PRI").await.unwrap();
            assert_eq!(read_preface(&mut far).await.unwrap(), plane);
            let mut rest = [0; 3];
            far.read_exact(&mut rest).await.unwrap();
            assert_eq!(&rest, b"PRI");
        }
    }

    #[tokio::test]
    async fn another_protocol_or_version_and_a_short_preface_are_refused() {
        for line in ["GET / HTTP/1.1\r\n", "esker/2 raft\n", "esker/1 raft "] {
            let error = read_preface(&mut line.as_bytes()).await.unwrap_err();
            assert!(matches!(error, PrefaceError::Unknown(_)), "{line:?}: {error}");
        }
        let error = read_preface(&mut &b"esker/1 r"[..]).await.unwrap_err();
        assert!(matches!(error, PrefaceError::Io(_)));
    }
}
