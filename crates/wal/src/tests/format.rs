//! Format 1, byte for byte. These bytes are what disks hold: they are never regenerated.

use super::*;
use crate::frame::{FrameHeader, LogPosition};
use crate::record::{Item, decode, encode_record, encode_span};
use crate::segment::{BadHeader, FileRole, SegmentHeader, role_of};
use proptest::prelude::*;

const HEADER_V1: &str = "\
    45534b455257414c01000000fffc16b50300000000000000887766554433221111000000000000000820000000000000\
    abababababababababababababababababababababababababababababababab";
const FRAME_V1: &str = "\
    455746312e71aec988776655443322111100000000000000030000000000000000100000000000000201000006000000\
    efbeadde00000000";
const RECORDS_V1: &str = "\
    2abd73e30500000001000201000000000d0c0b0a00000000656e74727988173102000000000200010000000000090000\
    00000000001f705840040000000300020000000000050000000000000069642035da286e340400000004000300000000\
    000000000000000000766f74654d7702800300000005000400000000000000000000000000636f6dbcc1ab9208000000\
    060005000000000006000000000000000700000000000000";

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn header() -> SegmentHeader {
    SegmentHeader {
        number: 3,
        salt: 0x1122_3344_5566_7788,
        first_frame: 17,
        previous_end: 8200,
        identity: [0xab; 32],
    }
}

fn frame() -> FrameHeader {
    FrameHeader {
        salt: 0x1122_3344_5566_7788,
        number: 17,
        synced: LogPosition { segment: 3, offset: 4096 },
        payload_bytes: 0x0102,
        records: 6,
        payload_crc: 0xdead_beef,
    }
}

fn records() -> Vec<Item> {
    vec![
        Item::Record(Record::Entry {
            group: 0x0102,
            index: 0x0a0b_0c0d,
            payload: Bytes::from_static(b"entry"),
        }),
        Item::Record(truncate(1, 9)),
        Item::Record(purge(2, 5)),
        Item::Record(vote(3, "vote")),
        Item::Record(committed(4, "com")),
        Item::Span { group: 5, first: 6, last: 7 },
    ]
}

fn encoded() -> Vec<u8> {
    let mut bytes = Vec::new();
    for item in records() {
        match item {
            Item::Record(record) => encode_record(&record, &mut bytes),
            Item::Span { group, first, last } => encode_span(group, first, last, &mut bytes),
        }
    }
    bytes
}

#[test]
fn the_segment_header_is_format_1() {
    assert_eq!(hex(&header().encode()), HEADER_V1);
    assert_eq!(SegmentHeader::decode(&header().encode()), Ok(header()));
}

#[test]
fn the_frame_header_is_format_1() {
    assert_eq!(hex(&frame().encode()), FRAME_V1);
    assert_eq!(FrameHeader::decode(&frame().encode()), Some(frame()));
}

#[test]
fn the_records_are_format_1() {
    assert_eq!(hex(&encoded()), RECORDS_V1);
    let mut bytes = Bytes::from(encoded());
    let decoded: Vec<Item> = std::iter::from_fn(|| decode(&mut bytes)).collect();
    assert_eq!(decoded, records());
    assert!(bytes.is_empty());
}

#[test]
fn the_checksum_is_crc_32c() {
    // RFC 3720, B.4: 32 bytes of zeros.
    assert_eq!(crate::bytes::crc32c(&[0; 32]), 0x8a91_36aa);
    assert_eq!(crate::bytes::crc32c(b"123456789"), 0xe306_9283);
}

#[test]
fn any_flipped_bit_in_a_header_or_record_is_noticed() {
    for bit in 0..80 * 8 {
        let mut bytes = header().encode();
        bytes[bit / 8] ^= 1 << (bit % 8);
        let decoded = SegmentHeader::decode(&bytes);
        assert!(matches!(decoded, Err(BadHeader::Damaged | BadHeader::Version(_))), "bit {bit}");
    }
    for bit in 0..56 * 8 {
        let mut bytes = frame().encode();
        bytes[bit / 8] ^= 1 << (bit % 8);
        assert_eq!(FrameHeader::decode(&bytes), None, "bit {bit}");
    }
    let mut record = Vec::new();
    encode_record(&entry(1, 2, 40), &mut record);
    for bit in 0..record.len() * 8 {
        let mut bytes = record.clone();
        bytes[bit / 8] ^= 1 << (bit % 8);
        assert_eq!(decode(&mut bytes.into()), None, "bit {bit}");
    }
}

#[test]
fn file_names_lead_to_their_roles() {
    assert_eq!(role_of("00000000000000ff.wal".as_ref()), FileRole::Segment(255));
    assert_eq!(role_of("0000000000000003.spare".as_ref()), FileRole::Spare(3));
    for name in ["ff.wal", "00000000000000FF.wal", "+0000000000000ff.wal", "00000000000000ff.bak", "wal", ""]
    {
        assert_eq!(role_of(name.as_ref()), FileRole::Unknown, "{name}");
    }
}

#[test]
fn a_segment_decodes_to_the_records_that_were_appended() {
    let disk = SimDisk::new();
    let (wal, _) = open(&disk).unwrap();
    let records = vec![vote(1, "v"), entry(1, 1, 30), entry(1, 2, 30), truncate(1, 2), purge(1, 1)];
    wal.append_synced_blocking(records.clone()).unwrap();
    drop(wal);
    assert_eq!(crate::decode_segment(&read_all(&disk, &segments(&disk)[0])), Some(records));
}

proptest! {
    #[test]
    fn decoding_any_bytes_never_panics(mut bytes: Vec<u8>, flips in prop::collection::vec((0..5000_usize, any::<u8>()), 0..4)) {
        crate::decode_segment(&bytes);
        // A real header in front lets the frames behind it be reached.
        let mut segment = header().encode().to_vec();
        segment.resize(4096, 0);
        let payload = encoded();
        let mut whole = frame();
        whole.payload_bytes = u32::try_from(payload.len()).unwrap();
        whole.payload_crc = crate::bytes::crc32c(&payload);
        segment.extend_from_slice(&whole.encode());
        segment.extend_from_slice(&payload);
        segment.append(&mut bytes);
        for (at, mask) in flips {
            if let Some(byte) = segment.get_mut(at) {
                *byte ^= mask;
            }
        }
        crate::decode_segment(&segment);
        decode(&mut segment.into());
    }
}
