//! Pieces of blobs on their way. Each carries a checksum: what arrives is stored, with checksums made of what
//! arrived, so that nobody could tell later that a cable or a router changed it.

use crate::grpc::proto::storage as proto;
use bytes::Bytes;
use crc_fast::CrcAlgorithm::Crc32Iscsi;

/// The longest piece, in bytes.
pub(super) const PIECE_BYTES_MAX: usize = 256 << 10;

fn crc32c(bytes: &[u8]) -> u32 {
    #[allow(clippy::cast_possible_truncation, reason = "a CRC32 has 32 bits")]
    let crc = crc_fast::checksum(Crc32Iscsi, bytes) as u32;
    crc
}

/// A piece of at most [`PIECE_BYTES_MAX`].
pub(super) fn seal(bytes: Bytes) -> proto::Piece {
    proto::Piece { crc32c: crc32c(&bytes), bytes }
}

/// The bytes of a piece; none if they are not what was sent.
pub(super) fn open(piece: proto::Piece) -> Option<Bytes> {
    let fits = (1..=PIECE_BYTES_MAX).contains(&piece.bytes.len());
    (fits && crc32c(&piece.bytes) == piece.crc32c).then_some(piece.bytes)
}

/// Cuts bytes into pieces; none if there are no bytes.
pub(super) fn cut(mut bytes: Bytes) -> impl Iterator<Item = Bytes> {
    std::iter::from_fn(move || {
        let piece = bytes.split_to(bytes.len().min(PIECE_BYTES_MAX));
        (!piece.is_empty()).then_some(piece)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_piece_that_changed_on_its_way_is_noticed() {
        let piece = seal(Bytes::from_static(b"123456789"));
        assert_eq!(piece.crc32c, 0xe306_9283, "the check value of CRC32C");
        assert_eq!(open(piece.clone()).as_deref(), Some(&b"123456789"[..]));
        assert_eq!(open(proto::Piece { crc32c: 0, ..piece.clone() }), None);
        assert_eq!(open(proto::Piece { bytes: Bytes::from_static(b"123456780"), ..piece }), None);
        assert_eq!(open(seal(Bytes::new())), None);
        assert_eq!(open(seal(vec![0; PIECE_BYTES_MAX + 1].into())), None);
    }

    #[test]
    fn bytes_are_cut_in_order_and_without_rest() {
        let lengths = |n: usize| cut(vec![0; n].into()).map(|piece| piece.len()).collect::<Vec<_>>();
        assert!(lengths(0).is_empty());
        assert_eq!(lengths(PIECE_BYTES_MAX), [PIECE_BYTES_MAX]);
        assert_eq!(lengths(2 * PIECE_BYTES_MAX + 1), [PIECE_BYTES_MAX, PIECE_BYTES_MAX, 1]);
    }
}
