//! The stored and sent formats of the version index. Each value has one encoding in the format version that is
//! written: replicas compare hashes of these bytes.

use bytes::Bytes;
use esker_index::command::Command;
use esker_index::outcome::OutcomeRecord;
use esker_index::query::{Answer, Query};
use esker_index::records::{
    BucketRecord, CompletedRecord, DataRecord, DirectoryEntry, GarbageRecord, GroupRecord, ManifestRecord,
    NodeRecord, PartPage, PlacementState, Record, RepairRecord, TopologyRecord, UploadRecord, VersionRecord,
};
use std::fmt::Debug;

/// The golden bytes of all records, outcomes, commands, queries and answers.
pub fn seeds() -> Vec<Vec<u8>> {
    let files = [
        include_str!("../../../crates/index/tests/golden/records-v1.txt"),
        include_str!("../../../crates/index/tests/golden/outcomes-v1.txt"),
        include_str!("../../../crates/index/tests/golden/commands-v1.txt"),
        include_str!("../../../crates/index/tests/golden/cluster-records-v1.txt"),
        include_str!("../../../crates/index/tests/golden/cluster-outcomes-v1.txt"),
        include_str!("../../../crates/index/tests/golden/cluster-commands-v1.txt"),
        include_str!("../../../crates/index/tests/golden/queries-v1.txt"),
        include_str!("../../../crates/index/tests/golden/answers-v1.txt"),
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
    if let Ok(query) = Query::decode(data.clone()) {
        assert_eq!(query.encode(), data, "a query has one encoding");
    }
    if let Ok(answer) = Answer::decode(data.clone()) {
        // An older version of a record in it is written in the newest.
        assert_eq!(Answer::decode(answer.encode()), Ok(answer));
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
    record::<NodeRecord>(&data);
    record::<TopologyRecord>(&data);
    record::<PlacementState>(&data);
    record::<RepairRecord>(&data);
}

fn record<T: Record + PartialEq + Debug>(data: &Bytes) {
    if let Ok(record) = T::decode(data.clone()) {
        let encoded = Bytes::from(record.encode());
        if data.first() == Some(&T::VERSION) {
            assert_eq!(encoded, data, "a {} has one encoding", T::NAME);
        }
        assert_eq!(T::decode(encoded).as_ref(), Ok(&record));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_seeds_are_values() {
        let commands = golden(include_str!("../../../crates/index/tests/golden/commands-v1.txt"));
        assert!(commands.len() >= 18, "{}", commands.len());
        assert!(commands.into_iter().all(|bytes| Command::decode(bytes.into()).is_ok()));
    }
}
