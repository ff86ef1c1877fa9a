//! Digests in the text forms that S3 uses.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use md5::Md5;
use sha2::{Digest as _, Sha256};

/// Base64 with padding.
pub fn base64(bytes: &[u8]) -> String {
    STANDARD.encode(bytes)
}

/// MD5 as a `Content-MD5` header has it.
pub fn md5_base64(bytes: &[u8]) -> String {
    base64(&Md5::digest(bytes))
}

/// MD5 in hexadecimal, quoted, as an ETag has it.
pub fn etag(bytes: &[u8]) -> String {
    format!("\"{}\"", hex::encode(Md5::digest(bytes)))
}

/// The ETag of a multipart object of these parts.
pub fn multipart_etag(parts: &[&[u8]]) -> String {
    let digests: Vec<u8> = parts.iter().flat_map(|part| Md5::digest(part).to_vec()).collect();
    format!("\"{}-{}\"", hex::encode(Md5::digest(&digests)), parts.len())
}

/// CRC-32 as an `x-amz-checksum-crc32` header has it.
pub fn crc32_base64(bytes: &[u8]) -> String {
    base64(&crc32(bytes))
}

/// The composite CRC-32 of a multipart object of these parts.
pub fn composite_crc32_base64(parts: &[&[u8]]) -> String {
    let digests: Vec<u8> = parts.iter().flat_map(|part| crc32(part)).collect();
    format!("{}-{}", crc32_base64(&digests), parts.len())
}

/// SHA-256 in hexadecimal.
pub fn sha256_hex(bytes: &[u8]) -> String {
    hex::encode(Sha256::digest(bytes))
}

/// SHA-256 as an `x-amz-checksum-sha256` header has it.
pub fn sha256_base64(bytes: &[u8]) -> String {
    base64(&Sha256::digest(bytes))
}

fn crc32(bytes: &[u8]) -> [u8; 4] {
    let value = crc_fast::checksum(crc_fast::CrcAlgorithm::Crc32IsoHdlc, bytes);
    u32::try_from(value).expect("a CRC-32 has 32 bits").to_be_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digests_of_known_texts() {
        assert_eq!(etag(b""), "\"d41d8cd98f00b204e9800998ecf8427e\"");
        assert_eq!(md5_base64(b""), "1B2M2Y8AsgTpgAmY7PhCfg==");
        assert_eq!(crc32_base64(b"123456789"), "y/Q5Jg==");
        assert_eq!(sha256_base64(b""), "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=");
        assert_eq!(multipart_etag(&[b"a", b"b"]), "\"96e024ba2074fe77e8e965ba43a704be-2\"");
    }
}
