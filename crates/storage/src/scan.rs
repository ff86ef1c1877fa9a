//! Reads a segment record by record, as recovery must when there is no footer: bytes that aren't a valid record
//! are stepped over, and cost only the blob that they belonged to.

use crate::format::record::{HEADER_BYTES, MAGIC, checksum_bytes};
use crate::format::{
    ALIGN_BYTES, Entry, FILE_HEADER_BYTES, FileHeader, FormatError, Record, Trailer, footer::TRAILER_BYTES,
};
use esker_env::{DiskFile, DiskResult};

/// How much is read at a time: more than the longest record.
const WINDOW_BYTES: usize = 1 << 20;
/// How far a search for the next record looks at a time: little, because it may end at once.
const SEARCH_BYTES: usize = 4096;

/// Bytes at offsets: a file, or a slice.
pub(crate) trait Source {
    /// Reads until `buffer` is full or the bytes end, and returns how many were read.
    fn read_at(&self, buffer: &mut [u8], offset: u64) -> DiskResult<usize>;
    /// How many bytes there are.
    fn length(&self) -> DiskResult<u64>;
}

impl Source for &dyn DiskFile {
    fn read_at(&self, buffer: &mut [u8], offset: u64) -> DiskResult<usize> {
        DiskFile::read_at(*self, buffer, offset)
    }

    fn length(&self) -> DiskResult<u64> {
        DiskFile::len(*self)
    }
}

impl Source for &[u8] {
    fn read_at(&self, buffer: &mut [u8], offset: u64) -> DiskResult<usize> {
        let rest = usize::try_from(offset).ok().and_then(|at| self.get(at..)).unwrap_or_default();
        let count = rest.len().min(buffer.len());
        buffer[..count].copy_from_slice(&rest[..count]);
        Ok(count)
    }

    fn length(&self) -> DiskResult<u64> {
        Ok(self.len() as u64)
    }
}

/// Whether a record's data is what was written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DataState {
    /// Every block verifies.
    Whole,
    /// A block doesn't: it was torn, damaged or punched out.
    Bad,
}

/// The records of a segment, in order of their offsets.
pub(crate) struct Scan<S> {
    source: S,
    salt: u64,
    length: u64,
    position: u64,
    window: Vec<u8>,
    window_start: u64,
    /// Where the last record with a valid header ends.
    pub(crate) data_end: u64,
    /// Bytes that belong to no record and aren't zero.
    pub(crate) skipped_bytes: u64,
}

impl<S: Source> Scan<S> {
    /// Scans the segment with this salt.
    pub(crate) fn new(source: S, salt: u64) -> DiskResult<Scan<S>> {
        let length = source.length()?;
        let position = FILE_HEADER_BYTES;
        let window = Vec::new();
        Ok(Scan {
            source,
            salt,
            length,
            position,
            window,
            window_start: 0,
            data_end: position,
            skipped_bytes: 0,
        })
    }

    /// The next record.
    pub(crate) fn next(&mut self) -> DiskResult<Option<(Entry, DataState)>> {
        while self.position < self.length {
            let (salt, offset) = (self.salt, self.position);
            let header = self.bytes_at(offset, HEADER_BYTES)?;
            let Ok(record) = Record::decode(header, salt, offset) else {
                self.find_header()?;
                continue;
            };
            let state = self.check_data(&record, offset)?;
            self.position += record.bytes();
            self.data_end = self.position.min(self.length.next_multiple_of(ALIGN_BYTES));
            return Ok(Some((Entry { record, offset }, state)));
        }
        Ok(None)
    }

    fn check_data(&mut self, record: &Record, offset: u64) -> DiskResult<DataState> {
        let Record::Fragment(fragment) = record else { return Ok(DataState::Whole) };
        let length = fragment.length as usize;
        let table = usize::try_from(checksum_bytes(fragment.length.into())).unwrap_or_default();
        let bytes = self.bytes_at(offset + HEADER_BYTES as u64, table + length)?;
        let Some((checksums, data)) = bytes.split_at_checked(table) else { return Ok(DataState::Bad) };
        let whole = data.len() == length && fragment.verifies(checksums, 0, data);
        Ok(if whole { DataState::Whole } else { DataState::Bad })
    }

    /// Moves to the next place that starts like a record, or to the end.
    fn find_header(&mut self) -> DiskResult<()> {
        let step = usize::try_from(ALIGN_BYTES).unwrap_or(1);
        let mut first = true;
        while self.position < self.length {
            let position = self.position;
            let window = self.bytes_at(position, SEARCH_BYTES)?;
            let starts = window.chunks(step).skip(usize::from(first));
            let found = starts.clone().position(|start| start.starts_with(&MAGIC));
            let passed = found.unwrap_or(starts.len()) + usize::from(first);
            let bytes = (passed * step).min(window.len());
            let garbage = window[..bytes].iter().filter(|byte| **byte != 0).count();
            self.skipped_bytes += garbage as u64;
            self.position += (passed * step) as u64;
            first = false;
            if found.is_some() {
                return Ok(());
            }
        }
        Ok(())
    }

    /// `count` bytes at `offset`, or as many as there are. At most [`WINDOW_BYTES`].
    fn bytes_at(&mut self, offset: u64, count: usize) -> DiskResult<&[u8]> {
        let count = count.min(WINDOW_BYTES);
        let end = (offset + count as u64).min(self.length);
        if offset < self.window_start || end > self.window_start + self.window.len() as u64 {
            self.window.resize(WINDOW_BYTES, 0);
            let read = self.source.read_at(&mut self.window, offset)?;
            self.window.truncate(read);
            self.window_start = offset;
        }
        let start = usize::try_from(offset - self.window_start).unwrap_or(usize::MAX);
        let rest = self.window.get(start..).unwrap_or_default();
        Ok(&rest[..rest.len().min(count)])
    }
}

/// Reads the footer of a sealed segment; `None` if it has no valid one.
pub(crate) fn read_footer<S: Source>(
    source: &S,
    number: u64,
    salt: u64,
) -> DiskResult<Option<(Trailer, Vec<Entry>)>> {
    let length = source.length()?;
    let Some(at) = length.checked_sub(TRAILER_BYTES as u64) else { return Ok(None) };
    let mut bytes = [0; TRAILER_BYTES];
    let read = source.read_at(&mut bytes, at)?;
    let Ok(trailer) = Trailer::decode(&bytes[..read], length) else { return Ok(None) };
    if (trailer.number, trailer.salt) != (number, salt) {
        return Ok(None);
    }
    // The trailer was checked against the file's length, so this is no more than the file holds.
    let mut bytes = vec![0; usize::try_from(trailer.entries_bytes()).unwrap_or_default()];
    let read = source.read_at(&mut bytes, trailer.data_end)?;
    bytes.truncate(read);
    Ok(trailer.decode_entries(&bytes).ok().map(|entries| (trailer, entries)))
}

/// What a segment image holds, however damaged it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DecodedSegment {
    /// The file header.
    pub header: FileHeader,
    /// Every record whose header is valid, with the state of its data.
    pub records: Vec<(Entry, DataState)>,
    /// Bytes that belong to no record and aren't zero; a valid footer's are among them.
    pub skipped_bytes: u64,
    /// The footer's entries, if there is a valid footer.
    pub footer: Option<Vec<Entry>>,
}

/// Reads a whole segment image. Any bytes are fine: this is what the fuzzer feeds.
pub fn decode_records(bytes: &[u8]) -> Result<DecodedSegment, FormatError> {
    let header = FileHeader::decode(bytes)?;
    let no_error = "slices don't fail to be read";
    let mut scan = Scan::new(bytes, header.salt).map_err(|_| FormatError::Short)?;
    let mut records = Vec::new();
    while let Some(record) = scan.next().unwrap_or_else(|_| unreachable!("{no_error}")) {
        records.push(record);
    }
    let footer = read_footer(&bytes, header.number, header.salt);
    let footer = footer.unwrap_or_else(|_| unreachable!("{no_error}")).map(|(_, entries)| entries);
    Ok(DecodedSegment { header, records, skipped_bytes: scan.skipped_bytes, footer })
}
