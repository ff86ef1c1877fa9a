//! What the state machine can be told to do.
//!
//! A command carries everything that is not determined by the rows: times, ids and entropy are chosen before it
//! is proposed. Its encoding is what the Raft log stores, so it is versioned like every stored format.

mod cluster;
mod decode;
mod encode;
mod values;

pub use values::{
    CompletePart, CopyCondition, NewData, NewObject, PlannedMove, ReclaimStep, StoredData, Target,
};

use crate::codec::{Malformed, Reader, Writer};
use crate::records::UploadChecksum;
use bytes::Bytes;
use esker_types::{
    BucketId, BucketName, Checksum, ClusterSettings, DataId, ETag, ETagCondition, Fence, GroupId, NodeId,
    NodeInfo, NodeState, ObjectChecksum, RequestId, Timestamp, UploadId, VersionId, VersioningState,
    WriteCondition,
};

/// A command and what makes its application exact: applied in time or never, and at most once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Command {
    /// Chosen by whoever wants the command done; the same in every retry.
    pub request: RequestId,
    /// The command is refused when the group's logical time is past this. At most
    /// [`Command::LIFETIME_MILLIS_MAX`] after the time when it was made.
    pub deadline: Timestamp,
    /// The leader's clock when it proposed the command, in whole milliseconds.
    pub proposed_at: Timestamp,
    /// What to do.
    pub body: CommandBody,
}

impl Command {
    /// Longest time between a command's making and its deadline. Garbage waits longer than this.
    pub const LIFETIME_MILLIS_MAX: u64 = 60_000;
}

/// The kinds of command.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CommandBody {
    /// Takes a name (group 0). The bucket becomes visible by `ActivateBucket`.
    CreateBucket {
        /// The name.
        name: BucketName,
        /// The account that will own it.
        owner: String,
        /// The group that will order its versions.
        group: GroupId,
    },
    /// Opens an incarnation in the group that orders it; opening it again is fine.
    OpenBucket {
        /// The incarnation that `CreateBucket` gave out.
        bucket: BucketId,
        /// Its name.
        name: BucketName,
        /// Its owner.
        owner: String,
    },
    /// Makes an opened bucket visible (group 0).
    ActivateBucket {
        /// The name.
        name: BucketName,
        /// The incarnation; another one under the name is left alone.
        bucket: BucketId,
    },
    /// Closes an incarnation for good if it holds no version and no marker.
    SealBucket {
        /// The incarnation.
        bucket: BucketId,
    },
    /// Gives a sealed bucket's name back (group 0).
    RemoveBucket {
        /// The name.
        name: BucketName,
        /// The incarnation; another one under the name is left alone.
        bucket: BucketId,
    },
    /// Cleans up one step of a sealed incarnation: aborts an upload, or removes the incarnation.
    PurgeBucket {
        /// The incarnation.
        bucket: BucketId,
    },
    /// PutBucketVersioning.
    PutVersioning {
        /// The incarnation.
        bucket: BucketId,
        /// `Enabled` or `Suspended`.
        state: VersioningState,
    },
    /// PutObject.
    PutObject {
        /// Where.
        target: Target,
        /// What.
        object: NewObject,
        /// On which condition.
        condition: WriteCondition,
        /// For the version id.
        entropy: u64,
    },
    /// CopyObject that shares the source's data. The source is resolved when the command applies.
    CopyObject {
        /// Where to.
        target: Target,
        /// Where from; the bucket must be of the same group.
        source: Target,
        /// Which version; none for the current one.
        version: Option<VersionId>,
        /// On which condition of the source.
        source_condition: CopyCondition,
        /// Headers that replace the source's.
        headers: Option<Vec<(String, String)>>,
        /// On which condition of the target.
        condition: WriteCondition,
        /// For the version id.
        entropy: u64,
    },
    /// DeleteObject.
    DeleteObject {
        /// Where.
        target: Target,
        /// Which version; none to delete as the bucket's state says.
        version: Option<VersionId>,
        /// On which condition.
        condition: Option<ETagCondition>,
        /// For the delete marker's version id.
        entropy: u64,
    },
    /// CreateMultipartUpload.
    CreateUpload {
        /// Where.
        target: Target,
        /// The upload's id.
        upload: UploadId,
        /// Headers that the object will have.
        headers: Vec<(String, String)>,
        /// The checksum that parts will carry.
        checksum: Option<UploadChecksum>,
    },
    /// UploadPart.
    PutPart {
        /// Where.
        target: Target,
        /// The upload.
        upload: UploadId,
        /// The part's number.
        number: u16,
        /// Its length in bytes.
        size: u64,
        /// The MD5 of its bytes.
        etag: ETag,
        /// Its verified checksum.
        checksum: Option<Checksum>,
        /// Its data; none if it is empty.
        data: Option<StoredData>,
    },
    /// CompleteMultipartUpload.
    CompleteUpload {
        /// Where.
        target: Target,
        /// The upload.
        upload: UploadId,
        /// The parts, in ascending order of their numbers.
        parts: Vec<CompletePart>,
        /// The object's tag, made of the parts' tags.
        etag: ETag,
        /// The object's checksum, made of the parts' checksums.
        checksum: Option<ObjectChecksum>,
        /// `x-amz-mp-object-size`.
        size: Option<u64>,
        /// On which condition.
        condition: WriteCondition,
        /// For the version id.
        entropy: u64,
    },
    /// AbortMultipartUpload.
    AbortUpload {
        /// Where.
        target: Target,
        /// The upload.
        upload: UploadId,
    },
    /// Gives up data that was stored but will not be committed.
    Discard {
        /// The data and its length in bytes.
        data: Vec<(DataId, u64)>,
    },
    /// Asks whether data is unreferenced; if so, no later command may commit it.
    Condemn {
        /// The data ids, at most [`CommandBody::DATA_IDS_MAX`].
        data: Vec<DataId>,
    },
    /// Reclaims one step of a garbage entry whose data is deleted on every replica. What earlier versions' logs hold;
    /// now there is [`CommandBody::ReclaimSteps`].
    Reclaim {
        /// The entry's number.
        entry: u64,
        /// How many of its data ids were reclaimed before; another number changes nothing.
        reclaimed: u32,
    },
    /// Reclaims one step each of several garbage entries whose data is deleted on every replica; of the last ones
    /// less than that, or nothing, if all together are of more than [`CommandBody::DATA_IDS_MAX`] data ids.
    ReclaimSteps {
        /// The steps, at most [`CommandBody::RECLAIM_STEPS_MAX`].
        steps: Vec<ReclaimStep>,
    },
    /// Takes back repair rows of a node: it has these data now, or nobody needs them any more.
    Repaired {
        /// The node.
        node: NodeId,
        /// The data ids, at most [`CommandBody::DATA_IDS_MAX`].
        data: Vec<DataId>,
    },
    /// Takes back one step of the repair rows of a node that is gone.
    ForgetRepairs {
        /// The node.
        node: NodeId,
    },
    /// A node joins, or says what has changed about it (group 0). Another node that takes part under the same
    /// address becomes `Lost` if this one is new: its data directory was deleted. If this one is not, the other one has
    /// no address until it says its new one.
    RegisterNode {
        /// The node.
        node: NodeId,
        /// What it says of itself.
        info: NodeInfo,
    },
    /// Changes a node's standing (group 0). `Active` and `Draining` may follow one another; `Lost` and `Removed`
    /// are final, but that a lost node may be removed.
    SetNodeState {
        /// The node.
        node: NodeId,
        /// Its new state.
        state: NodeState,
    },
    /// Changes what all nodes must agree about (group 0).
    SetClusterSettings {
        /// All settings.
        settings: ClusterSettings,
    },
    /// Makes the placement groups (group 0). Only the first one counts.
    CreatePlacement {
        /// The nodes of each group, by its number; at most [`CommandBody::PLACEMENTS_MAX`] groups.
        sets: Vec<Vec<NodeId>>,
    },
    /// Begins to move placement groups to other nodes, or moves them elsewhere half-way (group 0).
    MovePlacement {
        /// The moves, at most [`CommandBody::PLACEMENTS_MAX`].
        moves: Vec<PlannedMove>,
    },
    /// What a storage node has done for moves that go on (group 0). Of another epoch than the group's, or of a node
    /// that the group does not wait for, it changes nothing.
    PlacementProgress {
        /// The node.
        node: NodeId,
        /// The groups in which it refuses every put of an earlier epoch. At most [`CommandBody::PLACEMENTS_MAX`].
        fenced: Vec<Fence>,
        /// The groups of which it has every blob. At most [`CommandBody::PLACEMENTS_MAX`].
        copied: Vec<Fence>,
    },
}

impl CommandBody {
    /// Most data ids that one command settles.
    pub const DATA_IDS_MAX: usize = 500;
    /// Most garbage entries that one command reclaims.
    pub const RECLAIM_STEPS_MAX: usize = 100;
    /// Most placement groups, and most of them that one command changes.
    pub const PLACEMENTS_MAX: usize = 512;
    /// Most nodes that a cluster has at a time, the removed ones not counted.
    pub const NODES_MAX: usize = 256;
    /// Most nodes of a placement group, of the present and of the next ones each.
    pub const REPLICAS_MAX: usize = 16;
    /// Longest address, zone or host of a node, in bytes.
    pub const NODE_TEXT_BYTES_MAX: usize = 256;
}

const VERSION: u8 = 1;

impl Command {
    /// The bytes that the log stores.
    pub fn encode(&self) -> Bytes {
        let mut w = Writer::versioned(VERSION);
        w.raw(self.request.as_bytes()).time(self.deadline).time(self.proposed_at);
        encode::write_body(&mut w, &self.body);
        w.finish().into()
    }

    /// Reads what [`Command::encode`] wrote.
    pub fn decode(bytes: Bytes) -> Result<Command, Malformed> {
        let (mut r, _) = Reader::versioned(bytes, "command", VERSION)?;
        let command = Command {
            request: RequestId::from_bytes(r.array()?),
            deadline: r.time()?,
            proposed_at: r.time()?,
            body: decode::read_body(&mut r)?,
        };
        r.finish()?;
        Ok(command)
    }
}
