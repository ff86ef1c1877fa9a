//! The line that begins a chunk: `SIZE[;chunk-signature=SIGNATURE]`.

use super::ChunkedError;

/// A parsed chunk header.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct ChunkHeader {
    /// The length of the chunk's data in bytes; 0 for the last chunk.
    pub(super) size: u64,
    /// The signature, if there is one.
    pub(super) signature: Option<String>,
}

impl ChunkHeader {
    /// Parses a line without its line end. Unknown extensions are ignored, as RFC 9112 section 7.1.1 says.
    pub(super) fn parse(line: &[u8]) -> Result<ChunkHeader, ChunkedError> {
        let text = std::str::from_utf8(line).map_err(|_| ChunkedError::MalformedChunk)?;
        let mut fields = text.split(';').map(str::trim);
        let size = fields.next().unwrap_or_default();
        if !(1..=16).contains(&size.len()) || !size.bytes().all(|b| b.is_ascii_hexdigit()) {
            return Err(ChunkedError::InvalidChunkSize);
        }
        let size = u64::from_str_radix(size, 16).map_err(|_| ChunkedError::InvalidChunkSize)?;
        let signature = fields.find_map(|field| field.strip_prefix("chunk-signature=")).map(str::to_owned);
        Ok(ChunkHeader { size, signature })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_hex_and_extensions_optional() {
        let parsed =
            |line: &str| ChunkHeader::parse(line.as_bytes()).map(|header| (header.size, header.signature));
        assert_eq!(parsed("10000;chunk-signature=ab"), Ok((0x10000, Some("ab".to_owned()))));
        assert_eq!(parsed("fF"), Ok((255, None)));
        assert_eq!(parsed("0;a=b;chunk-signature=cd"), Ok((0, Some("cd".to_owned()))));
        assert_eq!(parsed("ffffffffffffffff"), Ok((u64::MAX, None)));
        for bad in ["", "x", "+1", "-1", "0x1", ";chunk-signature=ab", "10000000000000000", "1 2"] {
            assert_eq!(parsed(bad), Err(ChunkedError::InvalidChunkSize), "{bad}");
        }
        assert_eq!(ChunkHeader::parse(b"1\xff"), Err(ChunkedError::MalformedChunk));
    }
}
