//! What lists may and must show.

use super::placed::{Placed, outcome};
use super::read_version;
use crate::history::{
    Action, Entry, History, Listed, Listing, Moment, Operation, Pages, Value, WriteOutcome,
};
use crate::violation::Violation;
use esker_types::VersionUuid;
use std::collections::{BTreeMap, BTreeSet};

/// Each list is sorted, and shows only what was attempted, as it was attempted, and once.
pub(super) fn check_each(history: &History) -> Result<(), Violation> {
    let attempts = Attempts::of(history);
    history.listings.iter().try_for_each(|listing| {
        is_sorted(listing)?;
        has_distinct_numbers(listing)?;
        shows_attempts(&attempts, listing)
    })
}

/// What an entry of a key is; none for a delete marker.
type Content<'a> = (&'a str, Option<Value>);

fn content(listed: &Listed) -> Content<'_> {
    let value = match listed.entry {
        Entry::Object(value) => Some(value),
        Entry::DeleteMarker => None,
    };
    (&listed.key, value)
}

/// The writes that may have made entries of lists.
#[derive(Default)]
struct Attempts<'a> {
    by_content: BTreeMap<Content<'a>, Vec<&'a Operation>>,
    /// Those whose version was told.
    by_version: BTreeMap<VersionUuid, (Content<'a>, &'a Operation)>,
}

impl<'a> Attempts<'a> {
    fn of(history: &'a History) -> Attempts<'a> {
        let mut attempts = Attempts::default();
        for operation in history.operations() {
            let (value, outcome) = match operation.action {
                Action::Put { value, outcome, .. } => (Some(value), outcome),
                Action::Delete { outcome, .. } => (None, outcome),
                Action::Get { .. } => continue,
            };
            let content = (operation.key.as_str(), value);
            attempts.by_content.entry(content).or_default().push(operation);
            if let WriteOutcome::Done(Some(version)) = outcome {
                attempts.by_version.insert(version, (content, operation));
            }
        }
        attempts
    }
}

fn violation<'a>(
    listing: &Listing,
    what: &str,
    listed: &Listed,
    operations: impl IntoIterator<Item = &'a Operation>,
) -> Violation {
    let Listing { invoked, returned, .. } = listing;
    Violation::new(format!("the list from {invoked} to {returned} {what}: {listed}"), operations)
}

fn is_sorted(listing: &Listing) -> Result<(), Violation> {
    let place = |listed: &Listed| (listed.key.clone(), std::cmp::Reverse(listed.version.sequence()));
    match listing.versions.windows(2).find(|pair| place(&pair[0]) >= place(&pair[1])) {
        None => Ok(()),
        Some(pair) => Err(violation(listing, "has this at a wrong place", &pair[1], [])),
    }
}

fn has_distinct_numbers(listing: &Listing) -> Result<(), Violation> {
    let mut numbers = BTreeSet::new();
    match listing.versions.iter().find(|listed| !numbers.insert(listed.version.sequence())) {
        None => Ok(()),
        Some(listed) => Err(violation(listing, "shows a number twice", listed, [])),
    }
}

fn shows_attempts(attempts: &Attempts<'_>, listing: &Listing) -> Result<(), Violation> {
    let mut unclaimed: BTreeMap<Content<'_>, usize> = BTreeMap::new();
    for listed in &listing.versions {
        let content = content(listed);
        let told = attempts.by_version.get(&listed.version);
        if told.is_some_and(|(made, operation)| *made == content && operation.invoked <= listing.returned) {
            continue;
        }
        let of_content = attempts.by_content.get(&content).map_or(&[][..], Vec::as_slice);
        let open = of_content.iter().filter(|operation| {
            let open = matches!(outcome(operation), Some(WriteOutcome::Done(None) | WriteOutcome::Unknown));
            open && operation.invoked <= listing.returned
        });
        let count = unclaimed.entry(content).or_default();
        *count += 1;
        if told.is_some() || *count > open.count() {
            let what = match of_content.is_empty() && told.is_none() {
                true => "shows what nobody wrote",
                false => "shows what did not happen so, or not so often",
            };
            let told = told.map(|(_, operation)| *operation);
            return Err(violation(listing, what, listed, of_content.iter().take(8).copied().chain(told)));
        }
    }
    Ok(())
}

/// A version that must exist, and since when somebody knows.
struct Known<'a> {
    since: Moment,
    how: &'static str,
    operation: Option<&'a Operation>,
}

/// Each list shows all that was acknowledged, read or listed before it began; and all up to a number if it is one page.
pub(super) fn check_together(history: &History, placed: &[Placed<'_>]) -> Result<(), Violation> {
    agree(history)?;
    acknowledged_values_are_shown(history)?;
    let known = known(history, placed);
    for listing in &history.listings {
        let shown: BTreeSet<VersionUuid> = listing.versions.iter().map(|listed| listed.version).collect();
        let last = match listing.pages {
            Pages::One => shown.iter().map(VersionUuid::sequence).max(),
            Pages::Several => None,
        };
        for (version, known) in known.iter().filter(|(version, _)| !shown.contains(version)) {
            let number = version.sequence();
            let Listing { invoked, returned, .. } = listing;
            let what = if known.since < *invoked {
                format!(
                    "the list from {invoked} to {returned} lacks number {}, {} before",
                    number.0, known.how
                )
            } else if last.is_some_and(|last| number < last) {
                format!("the list from {invoked} to {returned} shows a later number, but not {}", number.0)
            } else {
                continue;
            };
            return Err(Violation::new(what, known.operation));
        }
    }
    Ok(())
}

/// What is known to exist, with the first moment at which it was.
fn known<'a>(history: &'a History, placed: &[Placed<'a>]) -> BTreeMap<VersionUuid, Known<'a>> {
    let mut known: BTreeMap<VersionUuid, Known<'a>> = BTreeMap::new();
    let mut add = |version: VersionUuid, news: Known<'a>| match known.get_mut(&version) {
        Some(before) if before.since <= news.since => {}
        Some(before) => *before = news,
        None => drop(known.insert(version, news)),
    };
    for write in placed.iter().filter(|write| write.is_acknowledged()) {
        let since = write.operation.returned;
        add(write.version, Known { since, how: "which was acknowledged", operation: Some(write.operation) });
    }
    for operation in history.operations() {
        if let Some(version) = read_version(operation) {
            let since = operation.returned;
            add(version, Known { since, how: "which was read", operation: Some(operation) });
        }
    }
    for listing in &history.listings {
        for listed in &listing.versions {
            add(listed.version, Known { since: listing.returned, how: "which was listed", operation: None });
        }
    }
    known
}

/// A version is the same in every list.
fn agree(history: &History) -> Result<(), Violation> {
    let mut first: BTreeMap<VersionUuid, &Listed> = BTreeMap::new();
    for listing in &history.listings {
        for listed in &listing.versions {
            let before = first.entry(listed.version).or_insert(listed);
            if *before != listed {
                return Err(violation(
                    listing,
                    &format!("shows what was {before} before as another"),
                    listed,
                    [],
                ));
            }
        }
    }
    Ok(())
}

/// What was acknowledged without a version is recognised by its value.
fn acknowledged_values_are_shown(history: &History) -> Result<(), Violation> {
    for listing in &history.listings {
        let shown: BTreeSet<(&str, Value)> = listing
            .versions
            .iter()
            .filter_map(|listed| {
                let (key, value) = content(listed);
                Some((key, value?))
            })
            .collect();
        let lacks = |operation: &&Operation| match operation.action {
            Action::Put { value, outcome: WriteOutcome::Done(None), .. } => {
                operation.returned < listing.invoked && !shown.contains(&(operation.key.as_str(), value))
            }
            _ => false,
        };
        if let Some(operation) = history.operations().find(lacks) {
            let Listing { invoked, returned, .. } = listing;
            let what = format!("the list from {invoked} to {returned} lacks what was acknowledged before");
            return Err(Violation::new(what, [operation]));
        }
    }
    Ok(())
}
