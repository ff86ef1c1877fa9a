//! What every engine owes its callers, as tests.
//!
//! `engine_contract!` makes one `#[test]` per clause for one engine:
//!
//! ```text
//! esker_kv::engine_contract!(fjall, EngineFixture::new(EngineKind::Fjall));
//! ```
#![allow(clippy::unwrap_used, clippy::missing_panics_doc, reason = "a failing clause panics, as a test must")]

pub mod concurrency;
pub mod keyspaces;
pub mod model;
pub mod points;
pub mod ranges;
pub mod reopen;
pub mod views;

use std::sync::Arc;

use bytes::Bytes;

use crate::{Batch, Direction, Durability, Engine, KeyRange, Keyspace, KvError, View};

/// Opens the engine under test.
pub trait Fixture {
    /// Opens the one store of this fixture. The previous engine of the fixture is dropped before.
    fn open(&self) -> Arc<dyn Engine> {
        self.try_open().unwrap()
    }

    /// Opens the store, or says why not.
    ///
    /// # Errors
    /// Those of [`open`](crate::open).
    fn try_open(&self) -> Result<Arc<dyn Engine>, KvError>;

    /// Whether opening again finds what was written before.
    fn survives_reopen(&self) -> bool;
}

/// Makes a test module `$name` that checks every clause against a fresh `$fixture` each.
#[macro_export]
macro_rules! engine_contract {
    ($name:ident, $fixture:expr) => {
        mod $name {
            use super::*;
            $crate::engine_contract!(@clauses $fixture;
                points: a_value_is_read_back, the_last_write_wins, a_deleted_key_is_gone, a_missing_key_is_none,
                    empty_and_large_values_are_kept, unusable_sizes_are_refused, the_last_change_in_a_batch_wins,
                    an_empty_batch_changes_nothing;
                ranges: every_bound_in_both_directions, prefixes_with_0xff, an_inverted_range_is_empty,
                    deleted_keys_are_not_scanned, a_scan_stops_at_its_keyspace;
                keyspaces: names_are_sorted_and_checked, opening_twice_is_the_same_keyspace, keys_do_not_leak_across,
                    a_batch_over_several_keyspaces, a_dropped_keyspace_recreated_is_empty,
                    handles_to_a_dropped_keyspace_are_refused, a_refused_batch_changes_nothing,
                    dropping_frees_space;
                views: later_commits_are_not_seen, open_scans_do_not_see_later_commits, views_of_different_ages,
                    a_view_outlives_a_dropped_keyspace, a_view_does_not_know_later_keyspaces,
                    compaction_keeps_what_a_view_reads;
                reopen: a_store_opens_once, synced_commits_survive, buffered_commits_survive_an_orderly_close, drops_survive,
                    large_values_survive;
                concurrency: views_see_whole_batches, synced_commits_from_many_threads;
                model: random_commits_match_a_map;
            );
        }
    };
    (@clauses $fixture:expr; $($topic:ident: $($clause:ident),+;)+) => {
        $(mod $topic {
            use super::*;
            $(#[test]
            fn $clause() {
                $crate::contract::$topic::$clause(&$fixture);
            })+
        })+
    };
}

/// A batch with one put per pair.
fn puts<K: Into<Bytes>, V: Into<Bytes>>(
    keyspace: &Keyspace,
    pairs: impl IntoIterator<Item = (K, V)>,
) -> Batch {
    let mut batch = Batch::new();
    for (key, value) in pairs {
        batch.put(keyspace, key, value);
    }
    batch
}

fn put(engine: &dyn Engine, keyspace: &Keyspace, key: &'static str, value: &'static str) {
    engine.commit(puts(keyspace, [(key, value)]), Durability::Buffered).unwrap();
}

fn delete(engine: &dyn Engine, keyspace: &Keyspace, key: &'static str) {
    let mut batch = Batch::new();
    batch.delete(keyspace, key);
    engine.commit(batch, Durability::Buffered).unwrap();
}

fn scan(view: &dyn View, keyspace: &Keyspace, range: KeyRange, direction: Direction) -> Vec<(Bytes, Bytes)> {
    view.range(keyspace, range, direction).unwrap().collect::<Result<_, _>>().unwrap()
}

fn keys(view: &dyn View, keyspace: &Keyspace, range: KeyRange, direction: Direction) -> Vec<Bytes> {
    scan(view, keyspace, range, direction).into_iter().map(|(key, _)| key).collect()
}

/// Everything in the keyspace now.
fn rows(engine: &dyn Engine, keyspace: &Keyspace) -> Vec<(Bytes, Bytes)> {
    scan(engine.view().unwrap().as_ref(), keyspace, KeyRange::all(), Direction::Forward)
}
