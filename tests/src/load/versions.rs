//! The list of all versions of a bucket, for the checker.

use crate::connection::{Connection, Trouble};
use crate::http::Response;
use crate::request::Request;
use esker_checker::{Entry, Listed, Value};
use esker_types::VersionId;
use std::collections::HashMap;

/// All versions of a bucket.
#[derive(Debug)]
pub struct Sighted {
    /// In the list's order.
    pub versions: Vec<Listed>,
    /// How many pages they were.
    pub pages: usize,
}

/// Lists all versions of a bucket; objects are known by their ETags. The error tells what is not as it must be.
pub fn listing(
    connection: &mut Connection,
    bucket: &str,
    values: &HashMap<String, Value>,
) -> Result<Sighted, String> {
    let mut sighted = Sighted { versions: Vec::new(), pages: 0 };
    let mut next: Option<(String, String)> = None;
    loop {
        let mut request = Request::new("GET", &format!("/{bucket}?versions"));
        if let Some((key, version)) = &next {
            request = request.query("key-marker", key).query("version-id-marker", version);
        }
        let page = connection.exchange(request).map_err(|trouble: Trouble| format!("{trouble:?}"))?;
        if page.status != 200 {
            return Err(format!("{}: {}", page.status, page.text()));
        }
        sighted.versions.extend(entries(&page, values)?);
        sighted.pages += 1;
        next = page.element("NextKeyMarker").zip(page.element("NextVersionIdMarker"));
        if page.element("IsTruncated").as_deref() != Some("true") {
            return Ok(sighted);
        }
    }
}

fn entries(page: &Response, values: &HashMap<String, Value>) -> Result<Vec<Listed>, String> {
    let text = page.text();
    // Versions and markers come mixed, in the list's order.
    let rows = text.split("<Version>").flat_map(|rest| {
        let mut parts = rest.split("<DeleteMarker>");
        let first = parts.next().map(|part| (part, Row::Version));
        first.into_iter().chain(parts.map(|part| (part, Row::Marker)))
    });
    rows.filter(|(text, _)| text.contains("</VersionId>"))
        .map(|(text, row)| entry(text, row, values))
        .collect()
}

#[derive(Clone, Copy)]
enum Row {
    Version,
    Marker,
}

fn entry(text: &str, row: Row, values: &HashMap<String, Value>) -> Result<Listed, String> {
    let element = |name: &str| {
        let rest = text.split_once(&format!("<{name}>")).map(|(_, rest)| rest);
        let found = rest.and_then(|rest| rest.split_once("</")).map(|(inner, _)| inner.to_owned());
        found.ok_or_else(|| format!("no {name} in {text}"))
    };
    let id = element("VersionId")?;
    let VersionId::Id(version) = VersionId::parse(&id).map_err(|error| format!("{id}: {error}"))? else {
        return Err(format!("a null version: {text}"));
    };
    let entry = match row {
        Row::Marker => Entry::DeleteMarker,
        Row::Version => {
            let etag = element("ETag")?.replace("&quot;", "\"").replace("&#34;", "\"");
            Entry::Object(*values.get(&etag).ok_or_else(|| format!("nobody wrote {etag}: {text}"))?)
        }
    };
    Ok(Listed { key: element("Key")?, version, entry })
}
