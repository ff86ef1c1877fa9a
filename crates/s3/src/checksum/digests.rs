//! Computing one checksum over a stream of bytes.

use crc_fast::CrcAlgorithm;
use esker_types::{Checksum, ChecksumAlgorithm};
use sha1::Sha1;
use sha2::{Digest as _, Sha256};

/// A checksum in the making.
#[derive(Clone, Debug)]
pub struct ChecksumState {
    algorithm: ChecksumAlgorithm,
    hasher: Hasher,
}

#[derive(Clone, Debug)]
enum Hasher {
    // Boxed: the CRC state holds its tables' keys, several times the size of the others.
    Crc(Box<crc_fast::Digest>),
    Sha1(Sha1),
    Sha256(Sha256),
}

impl ChecksumState {
    /// The checksum of no bytes yet.
    pub fn new(algorithm: ChecksumAlgorithm) -> ChecksumState {
        let hasher = match crc_of(algorithm) {
            Some(crc) => Hasher::Crc(Box::new(crc_fast::Digest::new(crc))),
            None if algorithm == ChecksumAlgorithm::Sha1 => Hasher::Sha1(Sha1::new()),
            None => Hasher::Sha256(Sha256::new()),
        };
        ChecksumState { algorithm, hasher }
    }

    /// The algorithm.
    pub fn algorithm(&self) -> ChecksumAlgorithm {
        self.algorithm
    }

    /// Adds the next bytes.
    pub fn update(&mut self, bytes: &[u8]) {
        match &mut self.hasher {
            Hasher::Crc(digest) => digest.update(bytes),
            Hasher::Sha1(digest) => digest.update(bytes),
            Hasher::Sha256(digest) => digest.update(bytes),
        }
    }

    /// The value.
    pub fn finish(self) -> Checksum {
        let digest = match self.hasher {
            Hasher::Crc(digest) => crc_bytes(self.algorithm, digest.finalize()),
            Hasher::Sha1(digest) => digest.finalize().to_vec(),
            Hasher::Sha256(digest) => digest.finalize().to_vec(),
        };
        Checksum::new(self.algorithm, digest).expect("each hasher makes digests of its algorithm's length")
    }

    /// The checksum of bytes that are all at hand.
    pub fn of(algorithm: ChecksumAlgorithm, bytes: &[u8]) -> Checksum {
        let mut state = ChecksumState::new(algorithm);
        state.update(bytes);
        state.finish()
    }
}

/// The CRC behind an algorithm; `None` for hashes.
pub(super) fn crc_of(algorithm: ChecksumAlgorithm) -> Option<CrcAlgorithm> {
    match algorithm {
        ChecksumAlgorithm::Crc32 => Some(CrcAlgorithm::Crc32IsoHdlc),
        ChecksumAlgorithm::Crc32c => Some(CrcAlgorithm::Crc32Iscsi),
        ChecksumAlgorithm::Crc64Nvme => Some(CrcAlgorithm::Crc64Nvme),
        ChecksumAlgorithm::Sha1 | ChecksumAlgorithm::Sha256 => None,
    }
}

/// A CRC's value as big-endian bytes of the algorithm's length.
pub(super) fn crc_bytes(algorithm: ChecksumAlgorithm, value: u64) -> Vec<u8> {
    value.to_be_bytes()[8 - algorithm.digest_bytes()..].to_vec()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// The check values of the CRC catalogue, and FIPS 180's for "abc" in its place.
    #[test]
    fn values_are_the_published_ones() {
        let hex = |algorithm, text: &[u8]| hex::encode(ChecksumState::of(algorithm, text).digest());
        assert_eq!(hex(ChecksumAlgorithm::Crc32, b"123456789"), "cbf43926");
        assert_eq!(hex(ChecksumAlgorithm::Crc32c, b"123456789"), "e3069283");
        assert_eq!(hex(ChecksumAlgorithm::Crc64Nvme, b"123456789"), "ae8b14860a799888");
        assert_eq!(hex(ChecksumAlgorithm::Sha1, b"abc"), "a9993e364706816aba3e25717850c26c9cd0d89d");
        assert_eq!(
            hex(ChecksumAlgorithm::Sha256, b"abc"),
            "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
        );
    }

    proptest! {
        #[test]
        fn pieces_do_not_matter(bytes in any::<Vec<u8>>(), at in any::<prop::sample::Index>()) {
            let (a, b) = bytes.split_at(at.index(bytes.len() + 1));
            for algorithm in ChecksumAlgorithm::ALL {
                let mut state = ChecksumState::new(algorithm);
                state.update(a);
                state.update(b);
                prop_assert_eq!(state.finish(), ChecksumState::of(algorithm, &bytes));
            }
        }
    }
}
