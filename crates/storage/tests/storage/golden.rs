//! The bytes of format version 1. They are never regenerated: stored data has them.

use esker_storage::contract::content;
use esker_storage::decode_records;
use esker_storage::format::checksum::crc32c;
use esker_storage::format::fences::{FenceTable, decode_fences, encode_fences};
use esker_storage::format::footer::{Entry, encode_footer};
use esker_storage::format::{FileHeader, FormatError, Fragment, FragmentKind, Record, Tombstone};
use esker_storage::scan::DataState;
use esker_types::{BlobId, DataId, PlacementEpoch, PlacementGroup};
use proptest::prelude::*;

fn blob_id() -> BlobId {
    BlobId { data: DataId::from_bytes(*b"0123456789abcdef"), chunk: 0x0102 }
}

const SALT: u64 = 0x1122_3344_5566_7788;
const WRITE: u64 = 0xa1a2_a3a4_a5a6_a7a8;

fn header() -> FileHeader {
    FileHeader { identity: crate::support::identity(), number: 5, salt: SALT }
}

fn fragment() -> Fragment {
    Fragment { blob: blob_id(), write: WRITE, number: 2, kind: FragmentKind::Last, length: 5 }
}

#[test]
fn the_file_header_of_format_1() {
    let bytes = header().encode();
    assert_eq!(bytes.len(), 4096);
    assert_eq!(
        hex::encode(&bytes[..64]),
        "45534b45525345470100000000000000636c757374657220303132333435363707000000000000000500000000000000\
         887766554433221100000000ced5c4c9"
    );
    assert_eq!(bytes[..64], bytes[2048..2112], "a second copy");
    assert!(bytes[64..2048].iter().chain(&bytes[2112..]).all(|byte| *byte == 0));
    assert_eq!(FileHeader::decode(&bytes), Ok(header()));
}

#[test]
fn a_fragment_of_format_1() {
    let record = Record::Fragment(fragment());
    assert_eq!(
        hex::encode(record.encode(SALT, 4096)),
        "4573526301020200050000003031323334353637383961626364656600000102a8a7a6a5a4a3a2a18877665544332211\
         0010000000000000000000000000000000000000ed5037a7"
    );
    assert_eq!(hex::encode(fragment().encode_checksums(b"hello")), "85ac4182");
    assert_eq!(Record::decode(&record.encode(SALT, 4096), SALT, 4096), Ok(record));
    let elsewhere = Record::decode(&record.encode(SALT, 4096), SALT, 4104);
    assert_eq!(elsewhere, Err(FormatError::Misplaced));
    let of_another_file = Record::decode(&record.encode(SALT, 4096), SALT + 1, 4096);
    assert_eq!(of_another_file, Err(FormatError::Misplaced));
}

#[test]
fn a_tombstone_of_format_1() {
    let record = Record::Tombstone(Tombstone { blob: blob_id(), write: WRITE, horizon: 9 });
    assert_eq!(
        hex::encode(record.encode(SALT, 8192)),
        "4573526301030000000000003031323334353637383961626364656600000102a8a7a6a5a4a3a2a18877665544332211\
         0020000000000000090000000000000000000000aff453f1"
    );
    assert_eq!(Record::decode(&record.encode(SALT, 8192), SALT, 8192), Ok(record));
}

#[test]
fn a_footer_of_format_1() {
    let tombstone = Tombstone { blob: blob_id(), write: WRITE, horizon: 9 };
    let entries = [
        Entry { record: Record::Fragment(fragment()), offset: 4096 },
        Entry { record: Record::Tombstone(tombstone), offset: 0 },
    ];
    assert_eq!(
        hex::encode(encode_footer(5, SALT, 8264, &entries)),
        "0200020005000000303132333435363738396162636465660000010200000000a8a7a6a5a4a3a2a10010000000000000\
         0300000000000000303132333435363738396162636465660000010200000000a8a7a6a5a4a3a2a10900000000000000\
         45534b4552454e440100000002000000050000000000000088776655443322114820000000000000981f391000000000\
         000000000000000000000000e59b1eb4"
    );
}

#[test]
fn a_fence_file_of_format_1() {
    let table =
        [(PlacementGroup(3), PlacementEpoch(5)), (PlacementGroup(0x0102), PlacementEpoch(u64::MAX - 1))]
            .into();
    let bytes = encode_fences(&table);
    assert_eq!(
        hex::encode(&bytes),
        "45534b4552464e430100000002000000030005000000000000000201feffffffffffffff8d3684db"
    );
    assert_eq!(decode_fences(&bytes), Ok(table));
    assert_eq!(decode_fences(&encode_fences(&FenceTable::new())), Ok(FenceTable::new()));
}

#[test]
fn fence_files_of_another_version_or_out_of_order_are_refused() {
    let sealed = |body: &[u8]| [body, &crc32c(body).to_le_bytes()].concat();
    let head =
        |version: u8, count: u8| [b"ESKERFNC".as_slice(), &[version, 0, 0, 0, count, 0, 0, 0]].concat();
    let entry = |group: u8| [group, 0, 1, 0, 0, 0, 0, 0, 0, 0];
    let refused = |body: Vec<u8>| decode_fences(&sealed(&body)).unwrap_err();
    assert_eq!(refused(head(2, 0)), FormatError::Version(2));
    assert_eq!(refused([head(1, 2), entry(2).into(), entry(1).into()].concat()), FormatError::Field);
    assert_eq!(refused([head(1, 2), entry(2).into(), entry(2).into()].concat()), FormatError::Field);
    assert_eq!(refused([head(1, 2), entry(2).into()].concat()), FormatError::Field);
    assert_eq!(decode_fences(b"ESKERFN"), Err(FormatError::Short));
}

/// A segment image with fragments of these lengths, and where each record starts.
fn image(lengths: &[u32]) -> (Vec<u8>, Vec<u64>) {
    let mut bytes = header().encode();
    let mut offsets = Vec::new();
    for (chunk, length) in (0..).zip(lengths) {
        let blob = BlobId { chunk, ..blob_id() };
        let fragment = Fragment { blob, write: WRITE, number: 0, kind: FragmentKind::Last, length: *length };
        let data = content(chunk.into(), (*length).into());
        offsets.push(bytes.len() as u64);
        bytes.extend_from_slice(&Record::Fragment(fragment).encode(SALT, bytes.len() as u64));
        bytes.extend_from_slice(&fragment.encode_checksums(&data));
        bytes.extend_from_slice(&data);
        bytes.resize(bytes.len().next_multiple_of(8), 0);
    }
    (bytes, offsets)
}

proptest! {
    #[test]
    fn any_bytes_decode_without_a_panic(
        lengths in prop::collection::vec(0..3000_u32, 0..6),
        flips in prop::collection::vec((any::<prop::sample::Index>(), 1..=255_u8), 0..4),
        cut in any::<prop::sample::Index>(),
    ) {
        let (mut bytes, _) = image(&lengths);
        for (at, mask) in flips {
            let at = at.index(bytes.len());
            bytes[at] ^= mask;
        }
        bytes.truncate(cut.index(bytes.len() + 1));
        let _ = decode_records(&bytes);
    }

    #[test]
    fn any_bytes_are_a_fence_file_or_refused(mut bytes in prop::collection::vec(any::<u8>(), 0..100)) {
        let start = b"ESKERFNC\x01".len().min(bytes.len());
        bytes[..start].copy_from_slice(&b"ESKERFNC\x01"[..start]);
        let crc = crc32c(&bytes).to_le_bytes();
        for bytes in [bytes.clone(), [bytes, crc.to_vec()].concat()] {
            if let Ok(table) = decode_fences(&bytes) {
                prop_assert_eq!(decode_fences(&encode_fences(&table)), Ok(table));
            }
        }
    }

    #[test]
    fn a_damaged_record_hides_no_other(
        lengths in prop::collection::vec(0..3000_u32, 1..8),
        at in any::<prop::sample::Index>(),
    ) {
        let (mut bytes, offsets) = image(&lengths);
        let whole = decode_records(&bytes).unwrap();
        prop_assert_eq!(whole.skipped_bytes, 0);
        prop_assert_eq!(whole.records.iter().map(|(entry, _)| entry.offset).collect::<Vec<_>>(), offsets.clone());
        let at = 4096 + at.index(bytes.len() - 4096);
        bytes[at] ^= 4;
        let found = decode_records(&bytes).unwrap();
        let good: Vec<u64> = found.records.iter().filter(|(_, state)| *state == DataState::Whole)
            .map(|(entry, _)| entry.offset).collect();
        let lost: Vec<u64> = offsets.iter().copied().filter(|offset| !good.contains(offset)).collect();
        prop_assert!(lost.len() <= 1, "{:?}", lost);
        let hit = offsets.iter().rev().find(|offset| **offset <= at as u64).copied();
        prop_assert!(lost.is_empty() || lost[0] == hit.unwrap());
    }
}
