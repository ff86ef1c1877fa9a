//! Conditions on writes, decided inside `apply`.

use crate::etag::ETag;

/// What an `If-Match` or `If-None-Match` value names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ETagCondition {
    /// `*`: any existing object.
    Any,
    /// A list of tags; texts that are no tag of ours are left out, since they match nothing.
    Tags(Vec<ETag>),
}

impl ETagCondition {
    /// Whether an object with this tag is named.
    pub fn names(&self, etag: &ETag) -> bool {
        match self {
            ETagCondition::Any => true,
            ETagCondition::Tags(tags) => tags.contains(etag),
        }
    }
}

/// The conditions of a write; both may be given, and then both must hold.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct WriteCondition {
    /// The current object must exist and be named here.
    pub if_match: Option<ETagCondition>,
    /// There must be no current object that is named here.
    pub if_none_match: Option<ETagCondition>,
}

impl WriteCondition {
    /// No condition.
    pub const NONE: WriteCondition = WriteCondition { if_match: None, if_none_match: None };

    /// Whether there is nothing to check.
    pub fn is_none(&self) -> bool {
        *self == WriteCondition::NONE
    }
}
