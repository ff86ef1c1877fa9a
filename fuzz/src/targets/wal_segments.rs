//! Segments of the log under Raft. Checksums stop nearly every mutation, so frames get right ones after they
//! were damaged, and then a bit of the finished segment is flipped.
//!
//! Input: eight bytes that choose the flip and the cut; then frames: a byte for the number of records, and for
//! each a kind, a group, an index, and a payload led by its length.

use crate::input::Input;
use esker_wal::{Record, decode_segment};

const HEADER_BYTES: usize = 4096;
const FRAME_HEADER_BYTES: usize = 56;
const SALT: u64 = 0x1122_3344_5566_7788;
const FIRST_FRAME: u64 = 17;

/// Frames with records of every kind.
pub fn seeds() -> Vec<Vec<u8>> {
    let record = |kind: u8, group: u8, index: u8, payload: &[u8]| {
        let length = u8::try_from(payload.len()).unwrap_or_default();
        [&[kind, 0, group, 0, index, 0, 0, 0, 0, 0, 0, 0, length], payload].concat()
    };
    let entry = record(1, 1, 9, b"entry");
    let others = [
        record(2, 1, 9, b""),
        record(3, 2, 5, b"purge"),
        record(4, 3, 0, b"vote"),
        record(5, 4, 0, b"committed"),
        record(6, 5, 6, &[7, 0, 0, 0, 0, 0, 0, 0]),
    ];
    let choices = [77, 0, 1, 0, 0, 0, 0, 0];
    let one = [choices.as_slice(), &[1], &entry].concat();
    let all = [choices.as_slice(), &[1], &entry, &[5], &others.concat(), &[2], &entry, &entry].concat();
    vec![one, all, vec![0; 100]]
}

/// Decodes `data` as it is, behind a header, and as the contents of whole frames.
pub fn run(data: &[u8]) {
    decode_segment(data);
    decode_segment(&[header(), data.to_vec()].concat());
    let mut input = Input::new(data);
    let (at, cut, bit) = (input.u16(), input.u16(), input.byte());
    let _ = input.bytes(3);
    let (segment, written) = segment(&mut input);
    let records = decode_segment(&segment).expect("a sound header");
    assert_eq!(payload_bytes(&records), written.payload_bytes, "every readable frame is read");
    assert_eq!(records.len(), written.records);
    let cut = usize::from(cut) % (segment.len() + 1);
    let is_prefix = |found: Option<Vec<Record>>| found.is_none_or(|found| records.starts_with(&found));
    assert!(is_prefix(decode_segment(&segment[..cut])), "a torn log loses only its end");
    let longer = decode_segment(&[&segment, data].concat()).expect("a sound header");
    assert_eq!(longer, records, "what an earlier life of the file left is not read");
    if let Some(at) = HEADER_BYTES.checked_add(usize::from(at)).filter(|at| *at < segment.len()) {
        let mut flipped = segment.clone();
        flipped[at] ^= 1 << (bit % 8);
        assert!(is_prefix(decode_segment(&flipped)), "a flipped bit never changes a record");
    }
}

/// What the decoder must find.
#[derive(Default)]
struct Written {
    records: usize,
    payload_bytes: usize,
}

fn payload_bytes(records: &[Record]) -> usize {
    records.iter().map(|record| record.payload().len()).sum()
}

fn segment(input: &mut Input<'_>) -> (Vec<u8>, Written) {
    let mut segment = header();
    let mut written = Written::default();
    let mut number = FIRST_FRAME;
    let mut is_readable = true;
    while !input.is_empty() {
        let mut payload = Vec::new();
        let mut frame = Written::default();
        let count = u32::from(input.byte() % 8);
        for _ in 0..count {
            is_readable &= record(input, &mut payload, &mut frame);
        }
        push_frame(&mut segment, number, count, &payload);
        number += 1;
        // Reading ends with the first frame that holds anything unknown.
        if is_readable {
            written.records += frame.records;
            written.payload_bytes += frame.payload_bytes;
        }
    }
    (segment, written)
}

/// Appends a record, and says whether it is one that this version knows.
fn record(input: &mut Input<'_>, out: &mut Vec<u8>, frame: &mut Written) -> bool {
    let [kind, zero, ..] = input.array::<2>();
    let (group, index) = (input.array::<2>(), input.u64());
    let length = usize::from(input.byte());
    let payload = input.bytes(length);
    let start = out.len();
    out.extend_from_slice(&[0; 4]);
    out.extend_from_slice(&u32::try_from(payload.len()).unwrap_or_default().to_le_bytes());
    out.extend_from_slice(&[kind, zero]);
    out.extend_from_slice(&group);
    out.extend_from_slice(&[0; 4]);
    out.extend_from_slice(&index.to_le_bytes());
    out.extend_from_slice(payload);
    let crc = crc32c(&out[start + 4..]);
    out[start..start + 4].copy_from_slice(&crc.to_le_bytes());
    let is_span = kind == 6;
    if !is_span {
        frame.records += 1;
        frame.payload_bytes += payload.len();
    }
    zero == 0
        && match kind {
            1 | 3 => true,
            2 => payload.is_empty(),
            4 | 5 => index == 0,
            6 => payload.len() == 8,
            _ => false,
        }
}

fn push_frame(segment: &mut Vec<u8>, number: u64, records: u32, payload: &[u8]) {
    let start = segment.len();
    let payload_bytes = u32::try_from(payload.len()).unwrap_or_default();
    segment.extend_from_slice(b"EWF1\0\0\0\0");
    segment.extend_from_slice(&SALT.to_le_bytes());
    segment.extend_from_slice(&number.to_le_bytes());
    segment.extend_from_slice(&[0; 16]);
    segment.extend_from_slice(&payload_bytes.to_le_bytes());
    segment.extend_from_slice(&records.to_le_bytes());
    segment.extend_from_slice(&crc32c(payload).to_le_bytes());
    segment.extend_from_slice(&[0; 4]);
    let crc = crc32c(&segment[start + 8..start + FRAME_HEADER_BYTES]);
    segment[start + 4..start + 8].copy_from_slice(&crc.to_le_bytes());
    segment.extend_from_slice(payload);
    segment.resize(segment.len().next_multiple_of(8), 0);
}

fn header() -> Vec<u8> {
    let mut header = vec![0; HEADER_BYTES];
    header[..8].copy_from_slice(b"ESKERWAL");
    header[8] = 1;
    header[16] = 3;
    header[24..32].copy_from_slice(&SALT.to_le_bytes());
    header[32..40].copy_from_slice(&FIRST_FRAME.to_le_bytes());
    let crc = crc32c(&header[16..80]);
    header[12..16].copy_from_slice(&crc.to_le_bytes());
    header
}

fn crc32c(bytes: &[u8]) -> u32 {
    u32::try_from(crc_fast::checksum(crc_fast::CrcAlgorithm::Crc32Iscsi, bytes)).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_seeds_hold_records_of_every_kind() {
        let counts = |seed: &Vec<u8>| {
            let (segment, _) = segment(&mut Input::new(&seed[8..]));
            decode_segment(&segment).expect("a header").len()
        };
        assert_eq!(seeds().iter().map(counts).collect::<Vec<_>>(), [1, 7, 0]);
    }
}
