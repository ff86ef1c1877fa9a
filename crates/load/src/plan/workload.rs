//! What a run does, and what must be there before it begins.

use super::Meaningless;
use std::fmt;
use std::str::FromStr;

/// A load by its name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Workload {
    /// Puts new objects.
    Put,
    /// Gets prepared objects, whole.
    Get,
    /// Gets a range of prepared objects.
    RangeGet,
    /// Heads prepared objects.
    Head,
    /// Deletes prepared objects; ends when none is left.
    Delete,
    /// Several operations by weight.
    Mixed,
    /// Lists pages of prepared objects.
    List,
    /// Lists pages of all versions of prepared objects.
    ListVersions,
    /// Puts one key from all workers.
    OverwriteOneKey,
    /// Uploads objects in parts.
    Multipart,
    /// Puts versions of keys, gets them by id, and deletes the oldest by id.
    VersionChurn,
}

/// Whether a load needs a bucket that keeps versions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Versioning {
    /// It does.
    Needed,
    /// It runs in any bucket.
    Optional,
}

impl Workload {
    /// All of them.
    pub const ALL: [Workload; 11] = [
        Workload::Put,
        Workload::Get,
        Workload::RangeGet,
        Workload::Head,
        Workload::Delete,
        Workload::Mixed,
        Workload::List,
        Workload::ListVersions,
        Workload::OverwriteOneKey,
        Workload::Multipart,
        Workload::VersionChurn,
    ];

    /// Its name.
    pub fn name(self) -> &'static str {
        match self {
            Workload::Put => "put",
            Workload::Get => "get",
            Workload::RangeGet => "range-get",
            Workload::Head => "head",
            Workload::Delete => "delete",
            Workload::Mixed => "mixed",
            Workload::List => "list",
            Workload::ListVersions => "list-versions",
            Workload::OverwriteOneKey => "overwrite-one-key",
            Workload::Multipart => "multipart",
            Workload::VersionChurn => "version-churn",
        }
    }

    /// Whether it needs versions.
    pub fn versioning(self) -> Versioning {
        match self {
            Workload::ListVersions | Workload::VersionChurn => Versioning::Needed,
            _ => Versioning::Optional,
        }
    }

    /// Whether objects are put before it begins.
    pub fn needs_objects(self) -> bool {
        !matches!(
            self,
            Workload::Put | Workload::OverwriteOneKey | Workload::Multipart | Workload::VersionChurn
        )
    }

    /// How many objects are prepared, unless the user says otherwise.
    pub fn objects_default(self) -> u64 {
        match self {
            // They are used up.
            Workload::Delete => 20_000,
            Workload::VersionChurn => 100,
            _ => 1_000,
        }
    }

    /// How many versions each prepared object has, or may come to have, unless the user says otherwise.
    pub fn versions_default(self) -> u32 {
        match self {
            Workload::ListVersions => 3,
            Workload::VersionChurn => 10,
            _ => 1,
        }
    }
}

impl fmt::Display for Workload {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Workload {
    type Err = Meaningless;

    fn from_str(text: &str) -> Result<Workload, Meaningless> {
        let found = Workload::ALL.into_iter().find(|workload| workload.name() == text);
        let names = || Workload::ALL.map(Workload::name).join(", ");
        found.ok_or_else(|| Meaningless::new(text, "workload", names()))
    }
}
