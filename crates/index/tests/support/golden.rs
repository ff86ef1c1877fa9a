//! Bytes as golden texts.

use bytes::Bytes;
use expect_test::ExpectFile;
use std::fmt::Write;

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
