//! GetObjectTagging. Tags do not exist yet: every object has none (s3-rules 14).

use super::OpContext;
use crate::lookup::Wanted;
use crate::reply::{Reply, ReplyExt as _, xml};
use esker_index::query::Detail;
use esker_s3::S3Error;
use esker_s3::request::operation::GetObjectTagging;
use esker_s3::xml;

pub(super) async fn get(cx: OpContext<'_>, input: &GetObjectTagging) -> Result<Reply, S3Error> {
    let GetObjectTagging { bucket, key, version } = input;
    let wanted = Wanted { bucket, key, version: *version, detail: Detail::Record };
    let object = cx.core.find(wanted).await?.for_read(key)?;
    Ok(xml(xml::write::tagging(&[])).with_version(object.shown_version))
}
