//! Answers as bytes, for nodes that ask one another. The numbers of the kinds are never given out again. Records
//! are in them as rows hold them, format versions included.

use super::encode::{
    read_key, read_upload_marker, read_version_marker, write_text_option, write_upload_marker,
    write_version_marker,
};
use super::{
    Answer, BucketSummary, CurrentPage, GarbageWork, GroupSummary, PartsPage, Topology, Unfinished,
    UploadEntry, UploadsPage, VersionAnswer, VersionEntry, VersionsPage,
};
use crate::codec::{Malformed, Reader, Writer};
use crate::records::{PartPage, Record, read_settings, read_versioning, versioning_number, write_settings};
use bytes::Bytes;
use esker_types::{BucketId, BucketName, DataId, NodeId, Sequence, UploadId};

const VERSION: u8 = 1;

impl Answer {
    /// The bytes that are sent.
    pub fn encode(&self) -> Bytes {
        let mut w = Writer::versioned(VERSION);
        write(&mut w, self);
        w.finish().into()
    }

    /// Reads what [`Answer::encode`] wrote.
    pub fn decode(bytes: Bytes) -> Result<Answer, Malformed> {
        let (mut r, _) = Reader::versioned(bytes, "answer", VERSION)?;
        let answer = read(&mut r)?;
        r.finish()?;
        Ok(answer)
    }
}

fn write(w: &mut Writer, answer: &Answer) {
    match answer {
        Answer::Directory(entry) => w.u8(1).option(entry.as_ref(), write_record),
        Answer::Directories { entries, more } => {
            w.u8(2).list(entries, |w, (name, entry)| write_record(w.text(name.as_str()), entry)).flag(*more)
        }
        Answer::Bucket(summary) => w.u8(3).option(summary.as_ref(), write_bucket),
        Answer::Version(version) => w.u8(4).option(version.as_ref(), write_version),
        Answer::Versions(page) => w.u8(5).option(page.as_ref(), |w, page| {
            write_texts(w.list(&page.entries, write_entry), &page.common_prefixes);
            w.option(page.next.as_ref(), write_version_marker);
        }),
        Answer::Current(page) => w.u8(6).option(page.as_ref(), |w, page| {
            write_texts(w.list(&page.entries, write_entry), &page.common_prefixes);
            write_text_option(w, page.next.as_deref());
        }),
        Answer::Uploads(page) => w.u8(7).option(page.as_ref(), |w, page| {
            write_texts(w.list(&page.entries, write_upload), &page.common_prefixes);
            w.option(page.next.as_ref(), write_upload_marker);
        }),
        Answer::Parts(page) => w.u8(8).option(page.as_ref(), write_parts),
        Answer::Garbage(work) => w.u8(9).list(work, |w, work| {
            write_lengths(w.u64(work.entry).u32(work.reclaimed), &work.data);
        }),
        Answer::Unheld(data) => w.u8(10).list(data, |w, data| {
            w.raw(data.as_bytes());
        }),
        Answer::Unfinished(buckets) => w.u8(11).list(buckets, write_unfinished),
        Answer::Topology(topology) => w.u8(12).option(topology.as_ref(), write_topology),
        Answer::Repairs(data) => {
            write_lengths(w.u8(13), data);
            w
        }
        Answer::GroupSummary(summary) => w
            .u8(14)
            .time(summary.time)
            .u64(summary.repairs)
            .u64(summary.garbage_entries)
            .u64(summary.garbage_bytes),
    };
}

fn read(r: &mut Reader) -> Result<Answer, Malformed> {
    Ok(match r.u8()? {
        1 => Answer::Directory(r.option(read_record)?),
        2 => Answer::Directories {
            entries: r.list(|r| Ok((read_name(r)?, read_record(r)?)))?,
            more: r.flag()?,
        },
        3 => Answer::Bucket(r.option(read_bucket)?),
        4 => Answer::Version(r.option(read_version)?),
        5 => Answer::Versions(r.option(|r| {
            let (entries, common_prefixes) = (r.list(read_entry)?, r.list(Reader::text)?);
            Ok(VersionsPage { entries, common_prefixes, next: r.option(read_version_marker)? })
        })?),
        6 => Answer::Current(r.option(|r| {
            let (entries, common_prefixes) = (r.list(read_entry)?, r.list(Reader::text)?);
            Ok(CurrentPage { entries, common_prefixes, next: r.option(Reader::text)? })
        })?),
        7 => Answer::Uploads(r.option(|r| {
            let (entries, common_prefixes) = (r.list(read_upload)?, r.list(Reader::text)?);
            Ok(UploadsPage { entries, common_prefixes, next: r.option(read_upload_marker)? })
        })?),
        8 => Answer::Parts(r.option(read_parts)?),
        9 => Answer::Garbage(
            r.list(|r| Ok(GarbageWork { entry: r.u64()?, reclaimed: r.u32()?, data: read_lengths(r)? }))?,
        ),
        10 => Answer::Unheld(r.list(|r| Ok(DataId::from_bytes(r.array()?)))?),
        11 => Answer::Unfinished(r.list(read_unfinished)?),
        12 => Answer::Topology(r.option(read_topology)?),
        13 => Answer::Repairs(read_lengths(r)?),
        14 => Answer::GroupSummary(GroupSummary {
            time: r.time()?,
            repairs: r.u64()?,
            garbage_entries: r.u64()?,
            garbage_bytes: r.u64()?,
        }),
        _ => return Err(r.malformed()),
    })
}

fn write_record<T: Record>(w: &mut Writer, record: &T) {
    w.bytes(&record.encode());
}

fn read_record<T: Record>(r: &mut Reader) -> Result<T, Malformed> {
    T::decode(r.bytes()?)
}

fn write_texts(w: &mut Writer, texts: &[String]) {
    w.list(texts, |w, text| {
        w.text(text);
    });
}

fn read_name(r: &mut Reader) -> Result<BucketName, Malformed> {
    BucketName::parse(&r.text()?).map_err(|_| r.malformed())
}

fn write_lengths(w: &mut Writer, data: &[(DataId, u64)]) {
    w.list(data, |w, (data, length)| {
        w.raw(data.as_bytes()).u64(*length);
    });
}

fn read_lengths(r: &mut Reader) -> Result<Vec<(DataId, u64)>, Malformed> {
    r.list(|r| Ok((DataId::from_bytes(r.array()?), r.u64()?)))
}

fn write_bucket(w: &mut Writer, bucket: &BucketSummary) {
    w.text(bucket.name.as_str()).text(&bucket.owner).u8(versioning_number(bucket.versioning));
    w.u64(bucket.sequence.0).u64(bucket.versions).u64(bucket.objects);
}

fn read_bucket(r: &mut Reader) -> Result<BucketSummary, Malformed> {
    Ok(BucketSummary {
        name: read_name(r)?,
        owner: r.text()?,
        versioning: read_versioning(r)?,
        sequence: Sequence(r.u64()?),
        versions: r.u64()?,
        objects: r.u64()?,
    })
}

fn write_entry(w: &mut Writer, entry: &VersionEntry) {
    write_record(w.text(entry.key.as_str()).u64(entry.sequence.0), &entry.record);
    w.flag(entry.latest);
}

fn read_entry(r: &mut Reader) -> Result<VersionEntry, Malformed> {
    Ok(VersionEntry {
        key: read_key(r)?,
        sequence: Sequence(r.u64()?),
        record: read_record(r)?,
        latest: r.flag()?,
    })
}

fn write_version(w: &mut Writer, version: &VersionAnswer) {
    w.u8(versioning_number(version.versioning)).option(version.found.as_ref(), write_entry);
    w.option(version.manifest.as_ref(), write_record).flag(version.key_exists);
}

fn read_version(r: &mut Reader) -> Result<VersionAnswer, Malformed> {
    Ok(VersionAnswer {
        versioning: read_versioning(r)?,
        found: r.option(read_entry)?,
        manifest: r.option(read_record)?,
        key_exists: r.flag()?,
    })
}

fn write_upload(w: &mut Writer, entry: &UploadEntry) {
    write_record(w.text(entry.key.as_str()).raw(entry.upload.as_bytes()), &entry.record);
}

fn read_upload(r: &mut Reader) -> Result<UploadEntry, Malformed> {
    let (key, upload) = (read_key(r)?, UploadId::from_bytes(r.array()?));
    Ok(UploadEntry { key, upload, record: read_record(r)? })
}

fn write_parts(w: &mut Writer, page: &PartsPage) {
    write_record(w, &page.upload);
    write_record(w, &PartPage { parts: page.parts.clone() });
    w.option(page.next, |w, next| {
        w.u16(next);
    });
}

fn read_parts(r: &mut Reader) -> Result<PartsPage, Malformed> {
    let (upload, PartPage { parts }) = (read_record(r)?, read_record(r)?);
    Ok(PartsPage { upload, parts, next: r.option(Reader::u16)? })
}

fn write_unfinished(w: &mut Writer, bucket: &Unfinished) {
    match bucket {
        Unfinished::Creating { name, entry } => write_record(w.u8(0).text(name.as_str()), entry),
        Unfinished::Sealed { name, bucket } => {
            w.u8(1).text(name.as_str()).u64(bucket.0);
        }
    }
}

fn read_unfinished(r: &mut Reader) -> Result<Unfinished, Malformed> {
    Ok(match r.u8()? {
        0 => Unfinished::Creating { name: read_name(r)?, entry: read_record(r)? },
        1 => Unfinished::Sealed { name: read_name(r)?, bucket: BucketId(r.u64()?) },
        _ => return Err(r.malformed()),
    })
}

fn write_topology(w: &mut Writer, topology: &Topology) {
    write_settings(w.u64(topology.version), topology.settings);
    w.list(&topology.nodes, |w, (node, record)| write_record(w.u64(node.0), record));
    w.list(&topology.placements, write_record);
}

fn read_topology(r: &mut Reader) -> Result<Topology, Malformed> {
    Ok(Topology {
        version: r.u64()?,
        settings: read_settings(r)?,
        nodes: r.list(|r| Ok((NodeId(r.u64()?), read_record(r)?)))?,
        placements: r.list(read_record)?,
    })
}
