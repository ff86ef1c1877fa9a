//! Rows of manifests: where the bytes of an upload are.

use super::Record;
use crate::codec::{Malformed, Reader, Writer};
use bytes::Bytes;
use esker_types::{Checksum, DataId, Extent};

/// Where a manifest's bytes are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ManifestBody {
    /// In the index itself.
    Inline(Bytes),
    /// On storage nodes, in order.
    Extents(Vec<Extent>),
}

/// One part of a multipart object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PartSummary {
    /// Its number, 1 to 10,000.
    pub number: u16,
    /// Its length in bytes.
    pub size: u64,
    /// Its checksum, if the upload has an algorithm.
    pub checksum: Option<Checksum>,
}

/// The data of one upload: what versions share and what is reference-counted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ManifestRecord {
    /// Where the bytes are.
    pub body: ManifestBody,
    /// The parts in order; empty unless it is a multipart object.
    pub parts: Vec<PartSummary>,
}

impl Record for ManifestRecord {
    const NAME: &'static str = "manifest";

    fn write(&self, w: &mut Writer) {
        match &self.body {
            ManifestBody::Inline(bytes) => w.u8(0).bytes(bytes),
            ManifestBody::Extents(extents) => w.u8(1).list(extents, |w, extent| {
                w.raw(extent.data.as_bytes()).u64(extent.offset).u64(extent.length);
            }),
        };
        w.list(&self.parts, |w, part| {
            w.u16(part.number).u64(part.size).option(part.checksum.as_ref(), |w, c| {
                w.checksum(c);
            });
        });
    }

    fn read(r: &mut Reader) -> Result<Self, Malformed> {
        Ok(ManifestRecord {
            body: match r.u8()? {
                0 => ManifestBody::Inline(r.bytes()?),
                1 => ManifestBody::Extents(r.list(|r| {
                    Ok(Extent { data: DataId::from_bytes(r.array()?), offset: r.u64()?, length: r.u64()? })
                })?),
                _ => return Err(r.malformed()),
            },
            parts: r.list(|r| {
                Ok(PartSummary { number: r.u16()?, size: r.u64()?, checksum: r.option(Reader::checksum)? })
            })?,
        })
    }
}
