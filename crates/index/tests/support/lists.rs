//! What lists must show, computed by looking at everything.

use super::model::{Bucket, Version};
use esker_index::query::KeyFilter;

/// One line of a list.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Line {
    Version { key: String, version: Version, latest: bool },
    Prefix(String),
}

fn group(filter: &KeyFilter, key: &str) -> Option<String> {
    let delimiter = filter.delimiter.as_deref()?;
    let rest = &key[filter.prefix.len()..];
    let at = rest.find(delimiter)?;
    Some(key[..filter.prefix.len() + at + delimiter.len()].to_owned())
}

/// ListObjectVersions without paging.
pub(crate) fn versions(bucket: &Bucket, filter: &KeyFilter) -> Vec<Line> {
    lines(bucket, filter, |_| true, |versions| versions.iter().rev().collect())
}

/// ListObjectsV2 without paging.
pub(crate) fn current(bucket: &Bucket, filter: &KeyFilter) -> Vec<Line> {
    let is_object = |version: &Version| version.object.is_some();
    lines(
        bucket,
        filter,
        |versions| versions.last().is_some_and(is_object),
        |versions| versions.last().into_iter().collect(),
    )
}

fn lines(
    bucket: &Bucket,
    filter: &KeyFilter,
    shown: impl Fn(&[Version]) -> bool,
    of_key: impl Fn(&[Version]) -> Vec<&Version>,
) -> Vec<Line> {
    let mut lines = Vec::new();
    for (key, versions) in &bucket.keys {
        if !key.starts_with(&filter.prefix) || !shown(versions) {
            continue;
        }
        match group(filter, key) {
            Some(prefix) => {
                let line = Line::Prefix(prefix);
                if lines.last() != Some(&line) {
                    lines.push(line);
                }
            }
            None => {
                for (i, version) in of_key(versions).into_iter().enumerate() {
                    lines.push(Line::Version { key: key.clone(), version: version.clone(), latest: i == 0 });
                }
            }
        }
    }
    lines
}
