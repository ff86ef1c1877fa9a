//! The stored formats of the version index. Each value has one encoding: replicas compare hashes of these bytes.

use bytes::Bytes;
use esker_index::command::Command;
use esker_index::outcome::OutcomeRecord;
use esker_index::records::{
    BucketRecord, CompletedRecord, DataRecord, DirectoryEntry, GarbageRecord, GroupRecord, ManifestRecord,
    PartPage, Record, UploadRecord, VersionRecord,
};
use std::fmt::Debug;

/// The golden bytes of all records, outcomes and commands.
pub fn seeds() -> Vec<Vec<u8>> {
    let files = [
        include_str!("../../../crates/index/tests/golden/records-v1.txt"),
        include_str!("../../../crates/index/tests/golden/outcomes-v1.txt"),
        include_str!("../../../crates/index/tests/golden/commands-v1.txt"),
    ];
    files.iter().flat_map(|text| golden(text)).collect()
}

/// The values of a golden file: a line `# name`, then lines of hex.
pub(super) fn golden(text: &str) -> Vec<Vec<u8>> {
    let value = |section: &str| {
        let (_name, digits) = section.split_once('\n').expect("a name, then bytes");
        hex::decode(digits.replace('\n', "")).expect("hex")
    };
    text.split("# ").skip(1).map(value).collect()
}

/// Decodes `data` as every kind of value.
pub fn run(data: &[u8]) {
    let data = Bytes::copy_from_slice(data);
    if let Ok(command) = Command::decode(data.clone()) {
        assert_eq!(command.encode(), data, "a command has one encoding");
        assert_eq!(Command::decode(command.encode()), Ok(command));
    }
    record::<OutcomeRecord>(&data);
    record::<GroupRecord>(&data);
    record::<DirectoryEntry>(&data);
    record::<BucketRecord>(&data);
    record::<VersionRecord>(&data);
    record::<ManifestRecord>(&data);
    record::<DataRecord>(&data);
    record::<GarbageRecord>(&data);
    record::<UploadRecord>(&data);
    record::<PartPage>(&data);
    record::<CompletedRecord>(&data);
}

fn record<T: Record + PartialEq + Debug>(data: &Bytes) {
    if let Ok(record) = T::decode(data.clone()) {
        let encoded = Bytes::from(record.encode());
        assert_eq!(encoded, data, "a {} has one encoding", T::NAME);
        assert_eq!(T::decode(encoded).as_ref(), Ok(&record));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_seeds_are_values() {
        let commands = golden(include_str!("../../../crates/index/tests/golden/commands-v1.txt"));
        assert_eq!(commands.len(), 18);
        assert!(commands.into_iter().all(|bytes| Command::decode(bytes.into()).is_ok()));
    }
}
