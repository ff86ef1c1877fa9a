//! How openraft's values become bytes in the log, in rows and in messages.
//!
//! Written by hand, with a format version in front, since logs outlive versions of openraft. Golden bytes are in
//! `tests/formats.rs`.

use std::collections::{BTreeMap, BTreeSet};

use bytes::Bytes;
use esker_index::codec::{Malformed, Reader, Writer};
use openraft::EntryPayload;
use openraft::vote::RaftLeaderId;

use crate::types::{
    CommandBytes, Entry, LeaderId, LogId, Membership, Payload, Peer, SnapshotMeta, StoredMembership, Vote,
};

const BLANK: u8 = 0;
const COMMAND: u8 = 1;
const MEMBERSHIP: u8 = 2;

/// A value with a stored form.
pub(crate) trait Encoded: Sized {
    /// What error messages call it.
    const NAME: &'static str;
    /// The newest form.
    const VERSION: u8 = 1;

    fn write(&self, w: &mut Writer);
    fn read(r: &mut Reader) -> Result<Self, Malformed>;

    /// Reads an older form.
    fn read_old(r: &mut Reader, _version: u8) -> Result<Self, Malformed> {
        Err(r.malformed())
    }

    fn encode(&self) -> Bytes {
        let mut w = Writer::versioned(Self::VERSION);
        self.write(&mut w);
        w.finish().into()
    }

    fn decode(bytes: Bytes) -> Result<Self, Malformed> {
        let (mut r, version) = Reader::versioned(bytes, Self::NAME, Self::VERSION)?;
        let value =
            if version == Self::VERSION { Self::read(&mut r)? } else { Self::read_old(&mut r, version)? };
        r.finish()?;
        Ok(value)
    }
}

impl Encoded for Vote {
    const NAME: &'static str = "vote";

    fn write(&self, w: &mut Writer) {
        w.u64(self.leader_id.term).u64(self.leader_id.node_id).u8(u8::from(self.committed));
    }

    fn read(r: &mut Reader) -> Result<Self, Malformed> {
        let leader_id = LeaderId::new(r.u64()?, r.u64()?);
        let committed = match r.u8()? {
            0 => false,
            1 => true,
            _ => return Err(r.malformed()),
        };
        Ok(Vote { leader_id, committed })
    }
}

impl Encoded for LogId {
    const NAME: &'static str = "log id";

    fn write(&self, w: &mut Writer) {
        w.u64(self.leader_id.term).u64(self.leader_id.node_id).u64(self.index);
    }

    fn read(r: &mut Reader) -> Result<Self, Malformed> {
        Ok(LogId::new(LeaderId::new(r.u64()?, r.u64()?).to_committed(), r.u64()?))
    }
}

impl Encoded for Membership {
    const NAME: &'static str = "membership";

    fn write(&self, w: &mut Writer) {
        w.list(self.get_joint_config(), |w, voters| {
            let voters: Vec<u64> = voters.iter().copied().collect();
            w.list(&voters, |w, voter| {
                w.u64(*voter);
            });
        });
        let nodes: Vec<(u64, &Peer)> = self.nodes().map(|(id, peer)| (*id, peer)).collect();
        w.list(&nodes, |w, (id, peer)| {
            w.u64(*id).text(&peer.address);
        });
    }

    fn read(r: &mut Reader) -> Result<Self, Malformed> {
        let configs = r.list(|r| Ok(r.list(Reader::u64)?.into_iter().collect::<BTreeSet<_>>()))?;
        let nodes = r.list(|r| Ok((r.u64()?, Peer { address: r.text()? })))?;
        let nodes: BTreeMap<u64, Peer> = nodes.into_iter().collect();
        Membership::new(configs, nodes).map_err(|_| r.malformed())
    }
}

impl Encoded for StoredMembership {
    const NAME: &'static str = "stored membership";

    fn write(&self, w: &mut Writer) {
        w.option(self.log_id().as_ref(), |w, id| id.write(w));
        self.membership().write(w);
    }

    fn read(r: &mut Reader) -> Result<Self, Malformed> {
        Ok(StoredMembership::new(r.option(LogId::read)?, Membership::read(r)?))
    }
}

impl Encoded for SnapshotMeta {
    const NAME: &'static str = "snapshot header";

    fn write(&self, w: &mut Writer) {
        w.option(self.last_log_id.as_ref(), |w, id| id.write(w));
        self.last_membership.write(w);
    }

    fn read(r: &mut Reader) -> Result<Self, Malformed> {
        Ok(SnapshotMeta { last_log_id: r.option(LogId::read)?, last_membership: StoredMembership::read(r)? })
    }
}

impl Encoded for Entry {
    const NAME: &'static str = "log entry";

    fn write(&self, w: &mut Writer) {
        self.log_id.write(w);
        match &self.payload {
            EntryPayload::Blank => {
                w.u8(BLANK);
            }
            EntryPayload::Normal(command) => {
                w.u8(COMMAND).bytes(&command.0);
            }
            EntryPayload::Membership(membership) => membership.write(w.u8(MEMBERSHIP)),
        }
    }

    fn read(r: &mut Reader) -> Result<Self, Malformed> {
        let log_id = LogId::read(r)?;
        let payload: Payload = match r.u8()? {
            BLANK => EntryPayload::Blank,
            COMMAND => EntryPayload::Normal(CommandBytes(r.bytes()?)),
            MEMBERSHIP => EntryPayload::Membership(Membership::read(r)?),
            _ => return Err(r.malformed()),
        };
        Ok(Entry { log_id, payload })
    }
}

/// The encoding, or no bytes for none.
pub(crate) fn encode_option<T: Encoded>(value: Option<&T>) -> Bytes {
    value.map(Encoded::encode).unwrap_or_default()
}

/// Reads what [`encode_option`] wrote.
pub(crate) fn decode_option<T: Encoded>(bytes: Bytes) -> Result<Option<T>, Malformed> {
    if bytes.is_empty() { Ok(None) } else { T::decode(bytes).map(Some) }
}
