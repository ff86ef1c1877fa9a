//! Walks rows of object keys in order, grouping keys under common prefixes.
//!
//! A group is jumped over by seeking behind it, so a page costs what it holds, however many keys a group hides.

use crate::keys::{prefix_end, split_object_key};
use crate::query::KeyFilter;
use crate::rows::{ReadRows, RowsError};
use bytes::Bytes;
use std::ops::ControlFlow;

/// What a walk meets.
pub(super) enum Item<'a> {
    /// A row of a key that belongs to no group; `rest` is what follows the key in the row's key.
    Row { row: &'a [u8], key: &'a [u8], rest: &'a [u8], value: &'a Bytes },
    /// A group, once.
    Group(&'a [u8]),
}

/// The group of a key: the key up to the end of the first delimiter after the prefix.
pub(super) fn group_of<'k>(filter: &KeyFilter, key: &'k [u8]) -> Option<&'k [u8]> {
    let delimiter = filter.delimiter.as_deref()?.as_bytes();
    let rest = key.get(filter.prefix.len()..)?;
    let at = rest.windows(delimiter.len()).position(|window| window == delimiter)?;
    Some(&key[..filter.prefix.len() + at + delimiter.len()])
}

/// Walks the rows of the keys that `filter` shows, from row `start` on.
///
/// `from` gives the row key at which the keys not below a text start. A group that is not greater than `after`, the
/// key or group that ended the page before, was shown there and is left out.
pub(super) fn walk<R: ReadRows + ?Sized>(
    rows: &R,
    filter: &KeyFilter,
    start: Vec<u8>,
    after: Option<&str>,
    from: &dyn Fn(&[u8]) -> Vec<u8>,
    visit: &mut dyn FnMut(Item<'_>) -> Result<ControlFlow<()>, RowsError>,
) -> Result<(), RowsError> {
    let first = from(filter.prefix.as_bytes());
    let end = prefix_end(&first);
    let mut next = Some(start.max(first));
    while let Some(start) = next.take() {
        let mut failed = None;
        rows.scan(&start, &end, &mut |row, value| {
            let Some((key, rest)) = row.get(9..).and_then(split_object_key) else {
                failed = Some(RowsError::corrupt(row, "no object key"));
                return ControlFlow::Break(());
            };
            let group = group_of(filter, &key);
            let flow = match group {
                None => visit(Item::Row { row, key: &key, rest, value }),
                Some(group) if after.is_some_and(|after| group <= after.as_bytes()) => {
                    Ok(ControlFlow::Continue(()))
                }
                Some(group) => visit(Item::Group(group)),
            };
            match (flow, group) {
                (Err(e), _) => {
                    failed = Some(e);
                    ControlFlow::Break(())
                }
                (Ok(ControlFlow::Continue(())), Some(group)) => {
                    next = Some(prefix_end(&from(group)));
                    ControlFlow::Break(())
                }
                (Ok(flow), _) => flow,
            }
        })?;
        if let Some(e) = failed {
            return Err(e);
        }
    }
    Ok(())
}
