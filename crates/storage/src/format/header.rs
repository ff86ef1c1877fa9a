//! The header of a segment file: whose it is, and the salt that its records carry.

use super::checksum::crc32c;
use super::fields::{array, put, u8_at, u32_at, u64_at};
use super::{FILE_HEADER_BYTES, FORMAT_VERSION, FormatError};
use crate::datadir::Identity;
use esker_types::{ClusterId, NodeId};

const MAGIC: [u8; 8] = *b"ESKERSEG";
const BYTES: usize = 64;
const CRC_AT: usize = BYTES - 4;
/// Where the second copy is: in another sector, and another 2 KiB page.
const COPY_AT: usize = 2048;

/// What the first bytes of a segment file say.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FileHeader {
    /// The node that wrote the file, and its cluster.
    pub identity: Identity,
    /// The segment's number, which is also its file name.
    pub number: u64,
    /// Random. Every record repeats it, so that bytes of an earlier file, or bytes that a client sent, never
    /// pass for a record.
    pub salt: u64,
}

impl FileHeader {
    /// The first [`FILE_HEADER_BYTES`] of the file.
    pub fn encode(&self) -> Vec<u8> {
        let mut header = [0; BYTES];
        put(&mut header, 0, &MAGIC);
        put(&mut header, 8, &[FORMAT_VERSION]);
        put(&mut header, 16, self.identity.cluster.as_bytes());
        put(&mut header, 32, &self.identity.node.0.to_le_bytes());
        put(&mut header, 40, &self.number.to_le_bytes());
        put(&mut header, 48, &self.salt.to_le_bytes());
        let crc = crc32c(&header[..CRC_AT]);
        put(&mut header, CRC_AT, &crc.to_le_bytes());
        let mut bytes = vec![0; usize::try_from(FILE_HEADER_BYTES).unwrap_or_default()];
        put(&mut bytes, 0, &header);
        put(&mut bytes, COPY_AT, &header);
        bytes
    }

    /// Reads either copy.
    pub fn decode(bytes: &[u8]) -> Result<FileHeader, FormatError> {
        let copy = || FileHeader::decode_copy(bytes.get(COPY_AT..).unwrap_or_default());
        match FileHeader::decode_copy(bytes) {
            Err(FormatError::Short | FormatError::Magic | FormatError::Checksum) => copy(),
            result => result,
        }
    }

    fn decode_copy(bytes: &[u8]) -> Result<FileHeader, FormatError> {
        if array::<8>(bytes, 0)? != MAGIC {
            return Err(FormatError::Magic);
        }
        if crc32c(bytes.get(..CRC_AT).ok_or(FormatError::Short)?) != u32_at(bytes, CRC_AT)? {
            return Err(FormatError::Checksum);
        }
        match u8_at(bytes, 8)? {
            FORMAT_VERSION => {}
            other => return Err(FormatError::Version(other)),
        }
        let identity =
            Identity { cluster: ClusterId::from_bytes(array(bytes, 16)?), node: NodeId(u64_at(bytes, 32)?) };
        Ok(FileHeader { identity, number: u64_at(bytes, 40)?, salt: u64_at(bytes, 48)? })
    }
}
