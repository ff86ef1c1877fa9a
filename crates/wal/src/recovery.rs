//! What a crash left: which records survived, where the log goes on, and whether anything is gone that was
//! promised.
//!
//! The rule for bytes that don't verify: if they lie before a position that a later frame says was synced, or in
//! a segment that isn't the last, they are damage, and the log isn't opened. Otherwise they are the tail of a
//! batch that nobody was told about, and are cut.

use crate::error::WalError;
use crate::frame::LogPosition;
use crate::index::{GroupState, Index, Place, SegmentAge};
use crate::options::WalOptions;
use crate::record::{Item, Record};
use crate::scan::{Frame, Window};
use crate::segment::{
    BadHeader, FileRole, SEGMENT_HEADER_BYTES, SEGMENT_HEADER_USED, SegmentHeader, role_of, segment_name,
};
use crate::segments::{Active, Pool};
use crate::stream::Stream;
use esker_env::{Allocation, Disk, DiskFile, OpenMode, Random};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// What was found when a log was opened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Recovery {
    /// Every group that the log knows.
    pub groups: BTreeMap<u16, GroupState>,
    /// How many segments there are.
    pub segments: u64,
    /// The torn tail that was cut, if there was one.
    pub cut: Option<Cut>,
}

/// A torn tail: a batch that was being written when the process or the machine stopped.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cut {
    /// The segment file.
    pub path: PathBuf,
    /// Where the log goes on.
    pub offset: u64,
}

/// A log that can go on.
pub(crate) struct Recovered {
    pub(crate) index: Index,
    pub(crate) stream: Stream,
    pub(crate) pool: Pool,
    pub(crate) active: Active,
    pub(crate) files: BTreeMap<u64, Arc<dyn DiskFile>>,
    pub(crate) next_frame: u64,
    pub(crate) cut: Option<Cut>,
}

/// A segment file whose header was read.
struct Found {
    header: SegmentHeader,
    file: Arc<dyn DiskFile>,
}

impl Found {
    fn corrupt(&self, offset: u64, what: &'static str) -> WalError {
        let path = self.file.path().to_owned();
        WalError::Corrupt { path, segment: self.header.number, offset, what }
    }
}

/// Where reading a segment stopped.
struct End {
    offset: u64,
    next_frame: u64,
    /// The synced position that the last frame states.
    synced: Option<LogPosition>,
}

/// Reads the log in `dir`, or starts one if there is none.
pub(crate) fn recover(
    disk: &Arc<dyn Disk>,
    random: &Arc<dyn Random>,
    dir: &Path,
    options: &WalOptions,
) -> Result<Recovered, WalError> {
    disk.create_dir_all(dir)?;
    // An entry that only the page cache knows may be one that a caller was told of after a failed sync.
    disk.sync_dir(dir)?;
    let mut pool = Pool::new(disk.clone(), random.clone(), dir.to_owned(), options);
    let mut numbers = Vec::new();
    for entry in disk.list(dir)? {
        match role_of(&entry.name) {
            FileRole::Segment(number) => numbers.push(number),
            FileRole::Spare(number) => pool.adopt(number)?,
            FileRole::Unknown => {}
        }
    }
    let segments = open_segments(&**disk, dir, &numbers, options)?;
    let mut recovered = match segments.last() {
        Some(last) => follow(&segments, last, pool, options)?,
        None => start(pool, options)?,
    };
    disk.sync_dir(dir)?;
    recovered.pool.refill()?;
    Ok(recovered)
}

fn start(mut pool: Pool, options: &WalOptions) -> Result<Recovered, WalError> {
    let active = pool.start(1, 1, 0)?;
    Ok(Recovered {
        index: Index::new(options.cache_bytes_max),
        stream: Stream::default(),
        pool,
        files: BTreeMap::from([(active.number, active.file.clone())]),
        active,
        next_frame: 1,
        cut: None,
    })
}

/// Opens the segments, which must be consecutive and this node's. `numbers` are in order.
fn open_segments(
    disk: &dyn Disk,
    dir: &Path,
    numbers: &[u64],
    options: &WalOptions,
) -> Result<Vec<Found>, WalError> {
    let mut segments: Vec<Found> = Vec::new();
    for &number in numbers {
        let path = dir.join(segment_name(number));
        let corrupt = |what| WalError::Corrupt { path: path.clone(), segment: number, offset: 0, what };
        let file = disk.open(&path, OpenMode::ReadWrite)?;
        let mut bytes = [0; SEGMENT_HEADER_USED];
        let len = file.read_at(&mut bytes, 0)?;
        let header = SegmentHeader::decode(&bytes[..len]).map_err(|bad| match bad {
            BadHeader::Damaged => corrupt("a segment's header fails its checksum"),
            BadHeader::Version(version) => WalError::UnsupportedFormat { path: path.clone(), version },
        })?;
        if header.identity != options.identity {
            return Err(WalError::Foreign { path });
        }
        if header.number != number || number == u64::MAX {
            return Err(corrupt("a segment's header names another segment"));
        }
        if segments.last().is_some_and(|before| before.header.number + 1 != number) {
            return Err(corrupt("the segment before this one is missing"));
        }
        if file.len()? > u64::from(u32::MAX) {
            return Err(corrupt("a segment is longer than any that is made"));
        }
        segments.push(Found { header, file });
    }
    Ok(segments)
}

fn follow(segments: &[Found], last: &Found, pool: Pool, options: &WalOptions) -> Result<Recovered, WalError> {
    let mut index = Index::new(options.cache_bytes_max);
    let mut stream = Stream::default();
    let mut end: Option<End> = None;
    let mut age = SegmentAge::Oldest;
    for (at, segment) in segments.iter().enumerate() {
        if let Some(before) = &end {
            check_joint(&segments[at - 1], before, segment)?;
        }
        end = Some(replay(segment, age, &mut index, &mut stream)?);
        age = SegmentAge::Later;
    }
    let Some(end) = end else { return start(pool, options) };
    let survivors_end = check_tail(last, &end)?;
    if index.incomplete_group().is_some() {
        return Err(segments[0].corrupt(0, "entries that were never purged are missing before this segment"));
    }
    let file_bytes = settle_tail(last, &end, survivors_end, options)?;
    let cut =
        (survivors_end > end.offset).then(|| Cut { path: last.file.path().to_owned(), offset: end.offset });
    let active = Active {
        number: last.header.number,
        salt: last.header.salt,
        file: last.file.clone(),
        file_bytes,
        end: end.offset,
        has_frames: end.offset > SEGMENT_HEADER_BYTES,
    };
    let files = segments.iter().map(|found| (found.header.number, found.file.clone())).collect();
    Ok(Recovered { index, stream, pool, active, files, next_frame: end.next_frame, cut })
}

/// A segment was synced to its end before the next was made, and the next one says where that end was.
fn check_joint(before: &Found, end: &End, segment: &Found) -> Result<(), WalError> {
    if end.offset != segment.header.previous_end || end.next_frame != segment.header.first_frame {
        return Err(before.corrupt(end.offset, "a batch fails its checksum and later segments exist"));
    }
    Ok(())
}

/// Follows a segment's frames up to the first that doesn't verify.
fn replay(segment: &Found, age: SegmentAge, index: &mut Index, stream: &mut Stream) -> Result<End, WalError> {
    let mut window = Window::new(&*segment.file)?;
    let mut end = End { offset: SEGMENT_HEADER_BYTES, next_frame: segment.header.first_frame, synced: None };
    loop {
        match window.frame(end.offset, segment.header.salt, end.next_frame)? {
            Frame::Valid(header, items) => {
                for (offset, item) in items {
                    follow_item(segment, offset, &item, age, index)?;
                    stream.apply(&item, segment.header.number);
                }
                end.offset += header.frame_bytes();
                end.next_frame = end.next_frame.wrapping_add(1);
                end.synced = Some(header.synced);
            }
            Frame::Invalid => return Ok(end),
            Frame::Unreadable => {
                let what = "a batch verifies and holds records of an unknown kind; a newer version wrote it";
                return Err(segment.corrupt(end.offset, what));
            }
        }
    }
}

fn follow_item(
    segment: &Found,
    offset: u64,
    item: &Item,
    age: SegmentAge,
    index: &mut Index,
) -> Result<(), WalError> {
    let payload_bytes = match item {
        Item::Record(record) => Record::payload(record).len(),
        Item::Span { .. } => 0,
    };
    let place = Place {
        segment: segment.header.number,
        // Files over 4 GiB are refused before they are read.
        offset: u32::try_from(offset).unwrap_or(u32::MAX),
        payload_bytes: u32::try_from(payload_bytes).unwrap_or(u32::MAX),
    };
    index.replay(item, place, age).map_err(|what| segment.corrupt(offset, what))
}

/// Decides whether what lies behind the last whole frame is damage. Returns where the remains of frames end.
fn check_tail(last: &Found, end: &End) -> Result<u64, WalError> {
    let mut window = Window::new(&*last.file)?;
    let survivors = window.survivors(end.offset, last.header.salt)?;
    let here = LogPosition { segment: last.header.number, offset: end.offset };
    if survivors.synced.is_some_and(|synced| synced > here) {
        return Err(last.corrupt(end.offset, "a batch fails its checksum and later batches exist"));
    }
    Ok(survivors.end)
}

/// Makes the last segment ready to be written: no remains of frames behind its end, everything before on disk,
/// its space reserved. Returns its length.
fn settle_tail(last: &Found, end: &End, remains_end: u64, options: &WalOptions) -> Result<u64, WalError> {
    let file = &*last.file;
    // A remain could become valid again once the frame before it is written anew.
    let zeros = vec![0; usize::try_from((remains_end - end.offset).min(1 << 20)).unwrap_or(0)];
    let mut at = end.offset;
    while at < remains_end {
        let len = zeros.len().min(usize::try_from(remains_end - at).unwrap_or(usize::MAX));
        file.write_at(&zeros[..len], at)?;
        at += len as u64;
    }
    rewrite_unproven(last, end)?;
    let file_bytes = Window::new(file)?.file_bytes().max(options.segment_bytes);
    file.allocate(0, file_bytes, Allocation::GrowLength)?;
    file.sync_data()?;
    Ok(file_bytes)
}

/// Writes again what no frame proves to be synced. After a failed sync Linux shows pages as clean that never
/// reached the disk; a process that restarts on the same machine reads them, and must not build on them.
fn rewrite_unproven(last: &Found, end: &End) -> Result<(), WalError> {
    let start = match end.synced {
        Some(synced) if synced.segment == last.header.number => synced.offset.max(SEGMENT_HEADER_BYTES),
        _ => SEGMENT_HEADER_BYTES,
    };
    let mut window = Window::new(&*last.file)?;
    let mut at = start;
    while at < end.offset {
        let len = (end.offset - at).min(1 << 20);
        if let Some(bytes) = window.get(at, len)? {
            last.file.write_at(&bytes, at)?;
        }
        at += len;
    }
    Ok(())
}
