//! CompleteMultipartUpload: moves no byte, so that no white space is needed to keep the connection open
//! (s3-rules 18).

use super::super::commit::{explain as explain_condition, written};
use super::super::{OpBody, OpContext};
use super::{UploadParts, explain, find};
use crate::reply::{Reply, ReplyExt as _, xml};
use esker_index::command::{CommandBody, CompletePart, Target};
use esker_index::query::PartsPage;
use esker_index::records::PartRecord;
use esker_s3::checksum::multipart::{multipart_checksum, multipart_etag};
use esker_s3::encoding::encode_path;
use esker_s3::request::operation::CompleteMultipartUpload;
use esker_s3::xml::read::{CompletedPart, check_part_order, complete_multipart_upload};
use esker_s3::xml::results::CompleteMultipartUploadResult;
use esker_s3::{ErrorCode, S3Error};
use esker_types::limits::PART_NUMBER_MAX;
use esker_types::{Checksum, ChecksumAlgorithm, ChecksumType, ETag, ObjectChecksum};

pub(in crate::ops) async fn run(
    cx: OpContext<'_>,
    input: &CompleteMultipartUpload,
    body: OpBody,
    host: &str,
) -> Result<Reply, S3Error> {
    let CompleteMultipartUpload { bucket, key, upload, condition, .. } = input;
    let named = complete_multipart_upload(&body.document(cx).await?)?;
    check_part_order(&named)?;
    let etags = named.iter().map(|part| part.etag.clone().ok_or_else(|| invalid_part(part.number)));
    let etags: Vec<ETag> = etags.collect::<Result<_, _>>()?;
    let etag = multipart_etag(etags.iter().cloned()).ok_or(ErrorCode::MalformedXml)?;

    let limit = usize::from(PART_NUMBER_MAX);
    let (_, page) = find(cx, UploadParts { bucket, key, upload: *upload, after: 0, limit }).await?;
    // Without the upload this is a replay of a Complete that succeeded, which apply recognises, or an error.
    let chosen = page.as_ref().and_then(|page| Chosen::find(&named, page));
    let checksum = chosen.as_ref().and_then(Chosen::object_checksum);
    if let Some(chosen) = &chosen {
        check_stated(input, chosen, checksum.as_ref())?;
    }
    let parts: Vec<CompletePart> = named
        .iter()
        .zip(etags)
        .map(|(part, etag)| CompletePart {
            number: part.number,
            etag,
            checksum: chosen.as_ref().and_then(|chosen| chosen.comparable(part)),
        })
        .collect();
    let entropy = cx.core.random.u64();
    let command = |bucket| CommandBody::CompleteUpload {
        target: Target { bucket, key: key.clone() },
        upload: *upload,
        parts: parts.clone(),
        etag: etag.clone(),
        checksum: checksum.clone(),
        size: input.object_size,
        condition: condition.clone(),
        entropy,
    };
    let done = cx.core.command(bucket, command).await;
    let done = done.map_err(|error| explain(explain_condition(error, condition, key), *upload))?;
    let written = written(done)?;
    let location = format!("http://{host}/{bucket}/{}", encode_path(key.as_str()));
    let result = CompleteMultipartUploadResult {
        location: &location,
        bucket,
        key,
        etag: written.etag,
        checksum: written.checksum,
    };
    Ok(xml(result.to_xml()).with_version(written.shown_id))
}

fn invalid_part(number: u16) -> S3Error {
    S3Error::new(ErrorCode::InvalidPart).with_extra("PartNumber", number.to_string())
}

/// The parts that the client named, as they were uploaded. What is found here may be replaced before the command
/// applies; then their tags differ, and apply refuses.
struct Chosen<'a> {
    parts: Vec<&'a PartRecord>,
    /// The algorithm that all of them share, and what the object's checksum is computed over.
    checksum: Option<(ChecksumAlgorithm, ChecksumType)>,
}

impl<'a> Chosen<'a> {
    /// `None` if one is missing, which apply reports.
    fn find(named: &[CompletedPart], page: &'a PartsPage) -> Option<Chosen<'a>> {
        let find = |part: &CompletedPart| {
            let at = page.parts.binary_search_by_key(&part.number, |uploaded| uploaded.number).ok()?;
            page.parts.get(at)
        };
        let parts: Vec<&PartRecord> = named.iter().map(find).collect::<Option<_>>()?;
        let checksum = match page.upload.checksum {
            Some(chosen) => Some((chosen.algorithm, chosen.kind)),
            None => shared_algorithm(&parts).map(|algorithm| match algorithm.combines() {
                true => (algorithm, ChecksumType::FullObject),
                false => (algorithm, ChecksumType::Composite),
            }),
        };
        Some(Chosen { parts, checksum })
    }

    fn object_checksum(&self) -> Option<ObjectChecksum> {
        let (algorithm, kind) = self.checksum?;
        let parts: Option<Vec<_>> =
            self.parts.iter().map(|part| Some((part.checksum.clone()?, part.size))).collect();
        multipart_checksum(algorithm, kind, &parts?).ok()
    }

    /// The checksum that the client repeats for a part, if it is of the algorithm that the part was stored with.
    fn comparable(&self, named: &CompletedPart) -> Option<Checksum> {
        let stored = self.parts.iter().find(|part| part.number == named.number)?.checksum.as_ref()?;
        named.checksums.iter().find(|checksum| checksum.algorithm() == stored.algorithm()).cloned()
    }
}

fn shared_algorithm(parts: &[&PartRecord]) -> Option<ChecksumAlgorithm> {
    let mut algorithms = parts.iter().map(|part| part.checksum.as_ref().map(Checksum::algorithm));
    let first = algorithms.next()??;
    algorithms.all(|algorithm| algorithm == Some(first)).then_some(first)
}

/// Checks the checksum that the client states for the whole object.
fn check_stated(
    input: &CompleteMultipartUpload,
    chosen: &Chosen<'_>,
    computed: Option<&ObjectChecksum>,
) -> Result<(), S3Error> {
    if let (Some(stated), Some((_, kind))) = (input.checksum_type, chosen.checksum)
        && stated != kind
    {
        return Err(S3Error::message(
            ErrorCode::InvalidRequest,
            format!(
                "The upload was created using the {} checksum mode. The complete request must use the same checksum \
                 mode.",
                kind.name()
            ),
        ));
    }
    match (&input.checksum, computed) {
        (Some(stated), Some(computed)) if !same_value(stated, computed) => Err(S3Error::message(
            ErrorCode::BadDigest,
            format!(
                "The {} you specified did not match the calculated checksum.",
                stated.value.algorithm().name()
            ),
        )),
        _ => Ok(()),
    }
}

/// Whether the stated checksum is the computed one. Clients may leave the `-N` of a composite one out.
fn same_value(stated: &ObjectChecksum, computed: &ObjectChecksum) -> bool {
    stated.value == computed.value
        && (stated.composite_of.is_none() || stated.composite_of == computed.composite_of)
}
