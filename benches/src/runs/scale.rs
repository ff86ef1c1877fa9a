//! How much a run does.

use std::time::Duration;

/// How long a run may take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Length {
    /// About a minute, to show that everything works. Its figures mean nothing.
    Brief,
    /// Up to half an hour.
    Full,
    /// With ten million versions and whole gibibytes: hours.
    Long,
}

/// Numbers that follow from it.
#[derive(Clone, Copy, Debug)]
pub struct Scale {
    /// The length itself.
    pub length: Length,
    /// How often subjects take turns.
    pub rounds: usize,
    /// The part of a turn that isn't counted.
    pub warm_up: Duration,
    /// The part that is.
    pub counted: Duration,
    /// The size of a large object, in bytes.
    pub large_bytes: usize,
    /// Keys of the bucket whose versions are listed.
    pub list_keys: u64,
    /// Versions of the one key with many.
    pub versions_of_a_key: u64,
    /// The size of a part of the object that is copied; it has 16 parts.
    pub copy_part_bytes: usize,
    /// Parts of the version that has many.
    pub parts: u16,
    /// Times that single requests are compared.
    pub pairs: usize,
    /// Bytes that each of the concurrent uploads sends before it is cut off; all 1 GiB if that is it.
    pub upload_bytes: u64,
    /// Versions that a node holds when it has grown; none: it isn't measured.
    pub grown_versions: Option<u64>,
}

impl Scale {
    /// The numbers of a length.
    pub fn new(length: Length) -> Scale {
        const MIB: usize = 1 << 20;
        let full = Scale {
            length,
            rounds: 5,
            warm_up: Duration::from_millis(500),
            counted: Duration::from_secs(3),
            large_bytes: 64 * MIB,
            list_keys: 20_000,
            versions_of_a_key: 1_000_000,
            copy_part_bytes: 64 * MIB,
            parts: 10_000,
            pairs: 101,
            upload_bytes: 128 << 20,
            grown_versions: None,
        };
        match length {
            Length::Full => full,
            Length::Long => Scale { upload_bytes: 1 << 30, grown_versions: Some(10_000_000), ..full },
            Length::Brief => Scale {
                rounds: 1,
                warm_up: Duration::from_millis(50),
                counted: Duration::from_millis(200),
                large_bytes: 4 * MIB,
                list_keys: 50,
                versions_of_a_key: 3_000,
                copy_part_bytes: 5 * MIB,
                parts: 100,
                pairs: 5,
                upload_bytes: 1 << 20,
                grown_versions: Some(3_000),
                ..full
            },
        }
    }
}
