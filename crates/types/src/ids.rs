//! Identifiers of things that are not named by clients.

use std::fmt;
use uuid::Uuid;

/// A Raft group. Group 0 also holds what is cluster-wide: the bucket directory.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct GroupId(pub u16);

impl GroupId {
    /// The group that holds the bucket directory.
    pub const DIRECTORY: GroupId = GroupId(0);
}

/// A node of the cluster: random, chosen when its data directory is made, never reused.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct NodeId(pub u64);

impl fmt::Display for NodeId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}", self.0)
    }
}

impl fmt::Debug for NodeId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// One incarnation of a bucket. Deleting a bucket and creating one of the same name gives a new id, so that
/// a stale route can never reach the wrong bucket's rows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct BucketId(pub u64);

macro_rules! uuid_id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(pub Uuid);

        impl $name {
            /// The 16 bytes, whose order is the id's order.
            pub fn as_bytes(&self) -> &[u8; 16] {
                self.0.as_bytes()
            }

            /// The id with these bytes.
            pub fn from_bytes(bytes: [u8; 16]) -> $name {
                $name(Uuid::from_bytes(bytes))
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(&self.0, f)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(&self.0, f)
            }
        }
    };
}

uuid_id! {
    /// A cluster: random, chosen when it is formed.
    ClusterId
}

uuid_id! {
    /// A command to the metadata layer. A retry carries the same id and gets the first outcome.
    RequestId
}

uuid_id! {
    /// A multipart upload. UUIDv7, so that uploads of one key sort by the time they were initiated.
    UploadId
}

uuid_id! {
    /// An immutable list of the data of one upload, the unit of reference counting. It has the bits of the
    /// `DataId` (single upload) or `UploadId` (multipart) that it came from.
    ManifestId
}

impl UploadId {
    /// Parses the text form: lower case, hyphenated.
    pub fn parse(text: &str) -> Option<UploadId> {
        crate::version::parse_hyphenated(text).map(UploadId)
    }
}
