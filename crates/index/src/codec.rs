//! How values become bytes in rows, commands and outcomes: fixed-width big-endian integers and
//! length-prefixed strings, each value led by a format version by whoever owns the format.
//!
//! Written by hand since these formats are stored for ever and hashed across replicas: the bytes must be a
//! function of the value alone, and no library's upgrade may change them.

use bytes::Bytes;
use esker_types::{Checksum, ChecksumAlgorithm, ETag, ObjectChecksum, Timestamp};

/// Bytes that are not an encoding of the expected value.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("malformed {0}")]
pub struct Malformed(pub &'static str);

/// Appends values to a buffer.
#[derive(Debug, Default)]
pub struct Writer(Vec<u8>);

impl Writer {
    /// A writer whose first byte is the format version.
    pub fn versioned(version: u8) -> Writer {
        Writer(vec![version])
    }

    /// The bytes.
    pub fn finish(self) -> Vec<u8> {
        self.0
    }

    /// One byte.
    pub fn u8(&mut self, value: u8) -> &mut Writer {
        self.0.push(value);
        self
    }

    /// Two bytes.
    pub fn u16(&mut self, value: u16) -> &mut Writer {
        self.raw(&value.to_be_bytes())
    }

    /// Four bytes.
    pub fn u32(&mut self, value: u32) -> &mut Writer {
        self.raw(&value.to_be_bytes())
    }

    /// Eight bytes.
    pub fn u64(&mut self, value: u64) -> &mut Writer {
        self.raw(&value.to_be_bytes())
    }

    /// A number of things.
    pub fn count(&mut self, count: usize) -> &mut Writer {
        self.u64(count as u64)
    }

    /// 0 or 1.
    pub fn flag(&mut self, holds: bool) -> &mut Writer {
        self.u8(u8::from(holds))
    }

    /// Bytes whose length the reader knows.
    pub fn raw(&mut self, bytes: &[u8]) -> &mut Writer {
        self.0.extend_from_slice(bytes);
        self
    }

    /// A length (u32) and so many bytes.
    ///
    /// # Panics
    /// If they are 4 GiB or more: no value of ours is.
    pub fn bytes(&mut self, bytes: &[u8]) -> &mut Writer {
        self.u32(u32::try_from(bytes.len()).expect("an encoded field is shorter than 4 GiB")).raw(bytes)
    }

    /// UTF-8 text, as [`Writer::bytes`].
    pub fn text(&mut self, text: &str) -> &mut Writer {
        self.bytes(text.as_bytes())
    }

    /// A time in microseconds.
    pub fn time(&mut self, time: Timestamp) -> &mut Writer {
        self.u64(time.0)
    }

    /// 0, or 1 and the value.
    pub fn option<T>(&mut self, value: Option<T>, write: impl FnOnce(&mut Writer, T)) -> &mut Writer {
        match value {
            None => self.u8(0),
            Some(value) => {
                self.u8(1);
                write(self, value);
                self
            }
        }
    }

    /// A count (u32) and the values.
    pub fn list<T>(&mut self, values: &[T], mut write: impl FnMut(&mut Writer, &T)) -> &mut Writer {
        self.u32(u32::try_from(values.len()).expect("an encoded list is shorter than 2^32"));
        values.iter().for_each(|value| write(self, value));
        self
    }

    /// Pairs of texts.
    pub fn pairs(&mut self, pairs: &[(String, String)]) -> &mut Writer {
        self.list(pairs, |w, (name, value)| {
            w.text(name).text(value);
        })
    }

    /// An entity tag: 16 bytes of MD5 and the number of parts, 0 for none.
    pub fn etag(&mut self, etag: &ETag) -> &mut Writer {
        self.raw(&etag.md5()).u16(etag.parts().unwrap_or(0))
    }

    /// A checksum: its algorithm's number and its digest.
    pub fn checksum(&mut self, checksum: &Checksum) -> &mut Writer {
        self.u8(algorithm_number(checksum.algorithm())).raw(checksum.digest())
    }

    /// An object's checksum and what it is over.
    pub fn object_checksum(&mut self, checksum: &ObjectChecksum) -> &mut Writer {
        self.checksum(&checksum.value).u16(checksum.composite_of.unwrap_or(0))
    }
}

/// The stored number of an algorithm.
pub fn algorithm_number(algorithm: ChecksumAlgorithm) -> u8 {
    match algorithm {
        ChecksumAlgorithm::Crc32 => 1,
        ChecksumAlgorithm::Crc32c => 2,
        ChecksumAlgorithm::Crc64Nvme => 3,
        ChecksumAlgorithm::Sha1 => 4,
        ChecksumAlgorithm::Sha256 => 5,
    }
}

/// Takes values off the front of bytes.
#[derive(Debug)]
pub struct Reader {
    rest: Bytes,
    what: &'static str,
}

impl Reader {
    /// A reader of `bytes`, which hold `what`; the first byte must be a format version of at most `newest`.
    pub fn versioned(bytes: Bytes, what: &'static str, newest: u8) -> Result<(Reader, u8), Malformed> {
        let mut reader = Reader { rest: bytes, what };
        let version = reader.u8()?;
        if (1..=newest).contains(&version) { Ok((reader, version)) } else { Err(Malformed(what)) }
    }

    /// The error of this reader.
    pub fn malformed(&self) -> Malformed {
        Malformed(self.what)
    }

    /// Nothing may be left.
    pub fn finish(self) -> Result<(), Malformed> {
        if self.rest.is_empty() { Ok(()) } else { Err(Malformed(self.what)) }
    }

    fn take(&mut self, length: usize) -> Result<Bytes, Malformed> {
        if length > self.rest.len() {
            return Err(Malformed(self.what));
        }
        Ok(self.rest.split_to(length))
    }

    /// Bytes of a known length.
    pub fn array<const N: usize>(&mut self) -> Result<[u8; N], Malformed> {
        let bytes = self.take(N)?;
        <[u8; N]>::try_from(bytes.as_ref()).map_err(|_| Malformed(self.what))
    }

    /// One byte.
    pub fn u8(&mut self) -> Result<u8, Malformed> {
        Ok(self.array::<1>()?[0])
    }

    /// Two bytes.
    pub fn u16(&mut self) -> Result<u16, Malformed> {
        Ok(u16::from_be_bytes(self.array()?))
    }

    /// Four bytes.
    pub fn u32(&mut self) -> Result<u32, Malformed> {
        Ok(u32::from_be_bytes(self.array()?))
    }

    /// Eight bytes.
    pub fn u64(&mut self) -> Result<u64, Malformed> {
        Ok(u64::from_be_bytes(self.array()?))
    }

    /// A number of things.
    pub fn count(&mut self) -> Result<usize, Malformed> {
        usize::try_from(self.u64()?).map_err(|_| Malformed(self.what))
    }

    /// 0 or 1.
    pub fn flag(&mut self) -> Result<bool, Malformed> {
        match self.u8()? {
            0 => Ok(false),
            1 => Ok(true),
            _ => Err(Malformed(self.what)),
        }
    }

    /// Length-prefixed bytes.
    pub fn bytes(&mut self) -> Result<Bytes, Malformed> {
        let length = self.u32()? as usize;
        self.take(length)
    }

    /// Length-prefixed UTF-8.
    pub fn text(&mut self) -> Result<String, Malformed> {
        String::from_utf8(self.bytes()?.into()).map_err(|_| Malformed(self.what))
    }

    /// A time in microseconds.
    pub fn time(&mut self) -> Result<Timestamp, Malformed> {
        Ok(Timestamp(self.u64()?))
    }

    /// A value or none.
    pub fn option<T>(
        &mut self,
        read: impl FnOnce(&mut Reader) -> Result<T, Malformed>,
    ) -> Result<Option<T>, Malformed> {
        match self.u8()? {
            0 => Ok(None),
            1 => read(self).map(Some),
            _ => Err(Malformed(self.what)),
        }
    }

    /// A counted list. The count is not trusted for the allocation: a value takes at least one byte.
    pub fn list<T>(
        &mut self,
        mut read: impl FnMut(&mut Reader) -> Result<T, Malformed>,
    ) -> Result<Vec<T>, Malformed> {
        let count = self.u32()? as usize;
        let mut values = Vec::with_capacity(count.min(self.rest.len()).min(1024));
        for _ in 0..count {
            values.push(read(self)?);
        }
        Ok(values)
    }

    /// Pairs of texts.
    pub fn pairs(&mut self) -> Result<Vec<(String, String)>, Malformed> {
        self.list(|r| Ok((r.text()?, r.text()?)))
    }

    /// An entity tag.
    pub fn etag(&mut self) -> Result<ETag, Malformed> {
        let md5 = self.array()?;
        Ok(match self.u16()? {
            0 => ETag::of_body(md5),
            parts => ETag::of_parts(md5, parts),
        })
    }

    /// A checksum algorithm.
    pub fn algorithm(&mut self) -> Result<ChecksumAlgorithm, Malformed> {
        let number = self.u8()?;
        ChecksumAlgorithm::ALL
            .into_iter()
            .find(|algorithm| algorithm_number(*algorithm) == number)
            .ok_or(Malformed(self.what))
    }

    /// A checksum.
    pub fn checksum(&mut self) -> Result<Checksum, Malformed> {
        let algorithm = self.algorithm()?;
        let digest = self.take(algorithm.digest_bytes())?;
        Checksum::new(algorithm, digest.to_vec()).ok_or(Malformed(self.what))
    }

    /// An object's checksum.
    pub fn object_checksum(&mut self) -> Result<ObjectChecksum, Malformed> {
        let value = self.checksum()?;
        let composite_of = Some(self.u16()?).filter(|parts| *parts > 0);
        Ok(ObjectChecksum { value, composite_of })
    }
}
