//! Bytes as golden texts.

use bytes::Bytes;
use esker_index::command::{Command, CommandBody};
use esker_index::records::Record;
use esker_types::{RequestId, Timestamp};
use expect_test::ExpectFile;
use std::fmt::Write;
use uuid::Uuid;

fn hex(bytes: &[u8]) -> String {
    bytes.chunks(32).fold(String::new(), |mut text, line| {
        line.iter().for_each(|byte| write!(text, "{byte:02x}").expect("text grows"));
        text.push('\n');
        text
    })
}

/// Compares named values with a file.
pub(crate) fn pinned(all: &[(&str, Vec<u8>)], expected: &ExpectFile) {
    let text = all.iter().map(|(name, bytes)| format!("# {name}\n{}", hex(bytes))).collect::<String>();
    expected.assert_eq(&text);
}

/// No beginning of the bytes is a value.
pub(crate) fn cut_short(bytes: &Bytes, is_refused: impl Fn(Bytes) -> bool) {
    for cut in 0..bytes.len() {
        assert!(is_refused(bytes.slice(..cut)), "cut at {cut}");
    }
}

/// Decodes what it encodes, and gives the bytes.
#[allow(clippy::needless_pass_by_value, reason = "callers build the value in place")]
pub(crate) fn record<T: Record + PartialEq + std::fmt::Debug>(record: T) -> Vec<u8> {
    let bytes = Bytes::from(record.encode());
    assert_eq!(T::decode(bytes.clone()).expect("it decodes"), record);
    cut_short(&bytes, |cut| T::decode(cut).is_err());
    bytes.to_vec()
}

/// Decodes the command that it encodes, and gives the bytes.
pub(crate) fn command(body: CommandBody) -> Vec<u8> {
    let command = Command {
        request: RequestId(Uuid::from_u128(7)),
        deadline: Timestamp(2_000_000),
        proposed_at: Timestamp(1_000_000),
        body,
    };
    let bytes = command.encode();
    assert_eq!(Command::decode(bytes.clone()).expect("it decodes"), command);
    cut_short(&bytes, |cut| Command::decode(cut).is_err());
    bytes.to_vec()
}
