//! Rows of multipart uploads, their parts, and uploads that were completed.

use super::Record;
use crate::codec::{Malformed, Reader, Writer};
use crate::outcome::OutcomeRecord;
use esker_types::{Checksum, ChecksumAlgorithm, ChecksumType, DataId, ETag, Timestamp};

/// The checksum that the parts of an upload carry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct UploadChecksum {
    /// The algorithm.
    pub algorithm: ChecksumAlgorithm,
    /// What the object's value is computed over.
    pub kind: ChecksumType,
}

/// A multipart upload in progress.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UploadRecord {
    /// When it was initiated.
    pub initiated: Timestamp,
    /// The headers that the object will have.
    pub headers: Vec<(String, String)>,
    /// The checksum that the client chose.
    pub checksum: Option<UploadChecksum>,
}

impl Record for UploadRecord {
    const NAME: &'static str = "upload record";

    fn write(&self, w: &mut Writer) {
        w.time(self.initiated).pairs(&self.headers);
        write_upload_checksum(w, self.checksum);
    }

    fn read(r: &mut Reader) -> Result<Self, Malformed> {
        Ok(UploadRecord { initiated: r.time()?, headers: r.pairs()?, checksum: read_upload_checksum(r)? })
    }
}

pub(crate) fn write_upload_checksum(w: &mut Writer, checksum: Option<UploadChecksum>) {
    w.option(checksum, |w, c| {
        w.u8(crate::codec::algorithm_number(c.algorithm)).u8(match c.kind {
            ChecksumType::FullObject => 0,
            ChecksumType::Composite => 1,
        });
    });
}

pub(crate) fn read_upload_checksum(r: &mut Reader) -> Result<Option<UploadChecksum>, Malformed> {
    r.option(|r| {
        let algorithm = r.algorithm()?;
        let kind = match r.u8()? {
            0 => ChecksumType::FullObject,
            1 => ChecksumType::Composite,
            _ => return Err(r.malformed()),
        };
        Ok(UploadChecksum { algorithm, kind })
    })
}

/// One uploaded part.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PartRecord {
    /// Its number, 1 to 10,000.
    pub number: u16,
    /// Its length in bytes.
    pub size: u64,
    /// The MD5 of its bytes.
    pub etag: ETag,
    /// Its checksum.
    pub checksum: Option<Checksum>,
    /// Its data; none if it is empty.
    pub data: Option<DataId>,
    /// When it was uploaded.
    pub last_modified: Timestamp,
}

/// Neighbouring parts of an upload, in order of their numbers. Parts share rows so that completing or
/// aborting an upload of 10,000 parts stays within the bound on rows that one command touches.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct PartPage {
    /// The parts whose number divided by [`PartPage::SPAN`] is the page's number.
    pub parts: Vec<PartRecord>,
}

impl PartPage {
    /// How many part numbers share a row.
    pub const SPAN: u16 = 64;

    /// The page that holds a part number.
    pub fn of(number: u16) -> u16 {
        number / PartPage::SPAN
    }
}

impl Record for PartPage {
    const NAME: &'static str = "page of parts";

    fn write(&self, w: &mut Writer) {
        w.list(&self.parts, |w, part| {
            w.u16(part.number).u64(part.size).etag(&part.etag);
            w.option(part.checksum.as_ref(), |w, c| {
                w.checksum(c);
            });
            w.option(part.data, |w, d| {
                w.raw(d.as_bytes());
            });
            w.time(part.last_modified);
        });
    }

    fn read(r: &mut Reader) -> Result<Self, Malformed> {
        let parts = r.list(|r| {
            Ok(PartRecord {
                number: r.u16()?,
                size: r.u64()?,
                etag: r.etag()?,
                checksum: r.option(Reader::checksum)?,
                data: r.option(|r| Ok(DataId::from_bytes(r.array()?)))?,
                last_modified: r.time()?,
            })
        })?;
        Ok(PartPage { parts })
    }
}

/// A completed upload, kept for replays.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CompletedRecord {
    /// Of the key and the parts that were named.
    pub fingerprint: u64,
    /// What completing gave.
    pub outcome: OutcomeRecord,
}

impl Record for CompletedRecord {
    const NAME: &'static str = "completed upload";

    fn write(&self, w: &mut Writer) {
        w.u64(self.fingerprint);
        self.outcome.write(w);
    }

    fn read(r: &mut Reader) -> Result<Self, Malformed> {
        Ok(CompletedRecord { fingerprint: r.u64()?, outcome: OutcomeRecord::read(r)? })
    }
}
