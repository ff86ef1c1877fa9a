//! Additional checksums: their algorithms and values.
//!
//! Source: S3 user guide, "Checking object integrity in Amazon S3".

use std::fmt;

/// An algorithm that a client may choose.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ChecksumAlgorithm {
    /// CRC-32 (ISO-HDLC), 4 bytes.
    Crc32,
    /// CRC-32C (Castagnoli), 4 bytes.
    Crc32c,
    /// CRC-64/NVME, 8 bytes.
    Crc64Nvme,
    /// SHA-1, 20 bytes.
    Sha1,
    /// SHA-256, 32 bytes.
    Sha256,
}

impl ChecksumAlgorithm {
    /// All algorithms.
    pub const ALL: [ChecksumAlgorithm; 5] = [
        ChecksumAlgorithm::Crc32,
        ChecksumAlgorithm::Crc32c,
        ChecksumAlgorithm::Crc64Nvme,
        ChecksumAlgorithm::Sha1,
        ChecksumAlgorithm::Sha256,
    ];

    /// The digest's length in bytes.
    pub fn digest_bytes(self) -> usize {
        match self {
            ChecksumAlgorithm::Crc32 | ChecksumAlgorithm::Crc32c => 4,
            ChecksumAlgorithm::Crc64Nvme => 8,
            ChecksumAlgorithm::Sha1 => 20,
            ChecksumAlgorithm::Sha256 => 32,
        }
    }

    /// The name in `x-amz-checksum-algorithm` and in XML.
    pub fn name(self) -> &'static str {
        match self {
            ChecksumAlgorithm::Crc32 => "CRC32",
            ChecksumAlgorithm::Crc32c => "CRC32C",
            ChecksumAlgorithm::Crc64Nvme => "CRC64NVME",
            ChecksumAlgorithm::Sha1 => "SHA1",
            ChecksumAlgorithm::Sha256 => "SHA256",
        }
    }

    /// The algorithm of this name, in any case.
    pub fn parse(name: &str) -> Option<ChecksumAlgorithm> {
        ChecksumAlgorithm::ALL.into_iter().find(|algorithm| algorithm.name().eq_ignore_ascii_case(name))
    }

    /// Whether a multipart object's full-object value follows from its parts' values (CRCs only).
    pub fn combines(self) -> bool {
        matches!(self, ChecksumAlgorithm::Crc32 | ChecksumAlgorithm::Crc32c | ChecksumAlgorithm::Crc64Nvme)
    }
}

/// The value of one checksum of one sequence of bytes.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Checksum {
    algorithm: ChecksumAlgorithm,
    digest: Vec<u8>,
}

impl Checksum {
    /// A value; `None` if the digest's length is not the algorithm's.
    pub fn new(algorithm: ChecksumAlgorithm, digest: impl Into<Vec<u8>>) -> Option<Checksum> {
        let digest = digest.into();
        (digest.len() == algorithm.digest_bytes()).then_some(Checksum { algorithm, digest })
    }

    /// The algorithm.
    pub fn algorithm(&self) -> ChecksumAlgorithm {
        self.algorithm
    }

    /// The digest, big-endian for CRCs.
    pub fn digest(&self) -> &[u8] {
        &self.digest
    }
}

impl fmt::Debug for Checksum {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:", self.algorithm.name())?;
        self.digest.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

/// What a multipart object's checksum is computed over.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ChecksumType {
    /// Over the object's bytes.
    FullObject,
    /// Over the parts' digests; its text ends in `-N`.
    Composite,
}

impl ChecksumType {
    /// The name in `x-amz-checksum-type` and in XML.
    pub fn name(self) -> &'static str {
        match self {
            ChecksumType::FullObject => "FULL_OBJECT",
            ChecksumType::Composite => "COMPOSITE",
        }
    }
}

/// An object's stored checksum.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct ObjectChecksum {
    /// The value.
    pub value: Checksum,
    /// `None`: over the object's bytes. `Some(n)`: composite of n parts.
    pub composite_of: Option<u16>,
}

impl ObjectChecksum {
    /// What the value was computed over.
    pub fn checksum_type(&self) -> ChecksumType {
        if self.composite_of.is_some() { ChecksumType::Composite } else { ChecksumType::FullObject }
    }
}
