//! Rows of data ids and of garbage.

use super::Record;
use crate::codec::{Malformed, Reader, Writer};
use esker_types::{DataId, ManifestId, Timestamp};

/// What the group knows of a data id. No row: nothing, so an upload may still be under way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DataRecord {
    /// A manifest or a part refers to it, or it is in a garbage entry.
    Held,
    /// A sweep found it unreferenced; no later command may commit it.
    Condemned(Timestamp),
}

impl Record for DataRecord {
    const NAME: &'static str = "data record";

    fn write(&self, w: &mut Writer) {
        match self {
            DataRecord::Held => w.u8(0),
            DataRecord::Condemned(at) => w.u8(1).time(*at),
        };
    }

    fn read(r: &mut Reader) -> Result<Self, Malformed> {
        match r.u8()? {
            0 => Ok(DataRecord::Held),
            1 => Ok(DataRecord::Condemned(r.time()?)),
            _ => Err(r.malformed()),
        }
    }
}

/// Data whose last user is gone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum GarbageItem {
    /// A manifest; its row stays until its data is deleted.
    Manifest(ManifestId),
    /// Uploads or parts that no manifest took, with their lengths in bytes.
    Data(Vec<(DataId, u64)>),
}

/// A garbage entry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GarbageRecord {
    /// When the last user went, by the group's logical time.
    pub since: Timestamp,
    /// How many of its data ids were reclaimed already.
    pub reclaimed: u32,
    /// The data.
    pub item: GarbageItem,
}

impl Record for GarbageRecord {
    const NAME: &'static str = "garbage entry";

    fn write(&self, w: &mut Writer) {
        w.time(self.since).u32(self.reclaimed);
        match &self.item {
            GarbageItem::Manifest(manifest) => w.u8(0).raw(manifest.as_bytes()),
            GarbageItem::Data(list) => w.u8(1).list(list, |w, (data, length)| {
                w.raw(data.as_bytes()).u64(*length);
            }),
        };
    }

    fn read(r: &mut Reader) -> Result<Self, Malformed> {
        Ok(GarbageRecord {
            since: r.time()?,
            reclaimed: r.u32()?,
            item: match r.u8()? {
                0 => GarbageItem::Manifest(ManifestId::from_bytes(r.array()?)),
                1 => GarbageItem::Data(r.list(|r| Ok((DataId::from_bytes(r.array()?), r.u64()?)))?),
                _ => return Err(r.malformed()),
            },
        })
    }
}
