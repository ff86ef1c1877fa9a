//! Segments of blobs: what was written is found, and damage costs no more than the record that it hit.
//!
//! Input: eight bytes that choose the damage; then records: a kind, a chunk number, a length, an offset of the
//! data's pattern.

use crate::input::Input;
use esker_storage::decode_records;
use esker_storage::format::footer::encode_footer;
use esker_storage::format::record::HEADER_BYTES;
use esker_storage::format::{
    Entry, FILE_HEADER_BYTES, FRAGMENT_BYTES, FileHeader, Fragment, FragmentKind, Record, Tombstone,
};
use esker_storage::scan::DataState;
use esker_storage::{ClusterId, Identity};
use esker_types::{BlobId, DataId, NodeId};

const SALT: u64 = 0x1122_3344_5566_7788;
const NUMBER: u64 = 5;
const RECORDS_MAX: usize = 12;

/// Segments of fragments, long and short, and tombstones.
pub fn seeds() -> Vec<Vec<u8>> {
    let damage = [200, 0, 100, 0, 3, 0, 0, 0];
    let (long, last, tombstone, empty) =
        ([255, 1, 0, 0, 1], [0, 2, 5, 0, 1], [1, 3, 0, 0, 0], [2, 4, 0, 0, 9]);
    vec![
        [damage.as_slice(), &last, &tombstone, &empty, &last].concat(),
        [damage.as_slice(), &last, &[0, 7, 0, 8, 3], &[0, 9, 255, 255, 1]].concat(),
        [damage.as_slice(), &long, &last].concat(),
    ]
}

/// Decodes `data` as it is, behind a header, as the fields of one record, and as the plan of a segment.
pub fn run(data: &[u8]) {
    let _ = decode_records(data);
    let _ = decode_records(&[header().encode(), data.to_vec()].concat());
    one_record(data);
    let mut input = Input::new(data);
    let (at, cut, mask) = (input.u64() as usize, input.u16(), input.byte() | 1);
    let (image, entries) = image(&mut input);
    let decoded = decode_records(&image).expect("a sound header");
    assert_eq!(decoded.header, header());
    let whole: Vec<_> = entries.iter().map(|entry| (*entry, DataState::Whole)).collect();
    assert_eq!(decoded.records, whole);
    assert_eq!((decoded.skipped_bytes, decoded.footer), (0, None));
    footer(&image, &entries);
    damage(&image, &entries, at, mask);
    let cut = image.len() - usize::from(cut) % (image.len() + 1);
    if let Ok(torn) = decode_records(&image[..cut]) {
        let found = torn.records.iter().filter(|(_, state)| *state == DataState::Whole);
        assert!(found.clone().map(|(entry, _)| entry).eq(entries.iter().take(found.count())), "cut at {cut}");
    }
}

fn header() -> FileHeader {
    let identity = Identity { cluster: ClusterId::from_bytes(*b"cluster 01234567"), node: NodeId(7) };
    FileHeader { identity, number: NUMBER, salt: SALT }
}

fn image(input: &mut Input<'_>) -> (Vec<u8>, Vec<Entry>) {
    let mut bytes = header().encode();
    let mut entries = Vec::new();
    while !input.is_empty() && entries.len() < RECORDS_MAX {
        let [kind, chunk] = input.array();
        let (length, pattern) = (u32::from(input.u16()), input.byte());
        let blob = BlobId { data: DataId::from_bytes([pattern; 16]), chunk: chunk.into() };
        let offset = bytes.len() as u64;
        let fragment = |number, kind, length| Fragment { blob, write: 1, number, kind, length };
        let record = match kind % 4 {
            0 => Record::Fragment(fragment(0, FragmentKind::Last, length)),
            1 => Record::Tombstone(Tombstone { blob, write: 1, horizon: length.into() }),
            2 => Record::Fragment(fragment(2, FragmentKind::Last, length.max(1) % 100 + 1)),
            // Long ones cost time, so most of the time there is none.
            _ if kind == 255 => Record::Fragment(fragment(3, FragmentKind::Inner, FRAGMENT_BYTES as u32)),
            _ => continue,
        };
        bytes.extend_from_slice(&record.encode(SALT, offset));
        if let Record::Fragment(fragment) = record {
            let data = vec![pattern; fragment.length as usize];
            bytes.extend_from_slice(&fragment.encode_checksums(&data));
            bytes.extend_from_slice(&data);
        }
        bytes.resize(bytes.len().next_multiple_of(8), 0);
        entries.push(Entry { record, offset });
    }
    (bytes, entries)
}

/// A sealed segment's footer says what a scan of it finds.
fn footer(image: &[u8], entries: &[Entry]) {
    let footer = encode_footer(NUMBER, SALT, image.len() as u64, entries);
    let decoded = decode_records(&[image, &footer].concat()).expect("a sound header");
    let stored = |entry: &Entry| match entry.record {
        Record::Fragment(_) => *entry,
        // The offset of a tombstone is not stored.
        Record::Tombstone(_) => Entry { offset: 0, ..*entry },
    };
    assert_eq!(decoded.footer, Some(entries.iter().map(stored).collect()));
}

/// One damaged byte after the header costs the record that it hits, and no other.
fn damage(image: &[u8], entries: &[Entry], at: usize, mask: u8) {
    let first = usize::try_from(FILE_HEADER_BYTES).unwrap_or_default();
    if image.len() == first {
        return;
    }
    let at = first + at % (image.len() - first);
    let mut damaged = image.to_vec();
    damaged[at] ^= mask;
    let found = decode_records(&damaged).expect("a sound header").records;
    let is_found = |entry: &&Entry| found.contains(&(**entry, DataState::Whole));
    let lost: Vec<&Entry> = entries.iter().filter(|entry| !is_found(entry)).collect();
    let hit = entries.iter().rev().find(|entry| entry.offset <= at as u64);
    assert!(lost.is_empty() || lost == hit.into_iter().collect::<Vec<_>>(), "{lost:?} lost at {at}");
    let sound = found.iter().filter(|(_, state)| *state == DataState::Whole);
    assert!(sound.clone().all(|(entry, _)| entries.contains(entry)), "nothing is made up: {found:?}");
}

/// A header with any fields and a right checksum is refused, or means the record that has this header.
fn one_record(data: &[u8]) {
    let mut header: [u8; HEADER_BYTES] = Input::new(data).array();
    header[..5].copy_from_slice(b"EsRc\x01");
    header[40..48].copy_from_slice(&SALT.to_le_bytes());
    header[48..56].copy_from_slice(&FILE_HEADER_BYTES.to_le_bytes());
    let crc = crc_fast::checksum(crc_fast::CrcAlgorithm::Crc32Iscsi, &header[..HEADER_BYTES - 4]);
    header[HEADER_BYTES - 4..].copy_from_slice(&u32::try_from(crc).unwrap_or_default().to_le_bytes());
    if let Ok(record) = Record::decode(&header, SALT, FILE_HEADER_BYTES) {
        let encoded = record.encode(SALT, FILE_HEADER_BYTES);
        assert_eq!(Record::decode(&encoded, SALT, FILE_HEADER_BYTES), Ok(record));
    }
}
