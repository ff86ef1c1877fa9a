//! The version index on its engines: what a command costs, and that a page costs no more in a bucket with a long
//! history.
#![allow(missing_docs, reason = "criterion's macros make public functions")]
#![allow(clippy::print_stdout, reason = "the ratios are the result")]

use bench::bucket::Bucket;
use bench::is_measured;
use bench::ratio::Ratio;
use criterion::{BatchSize, BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use esker_kv::{Engine, EngineKind, Options};
use esker_types::VersioningState::{self, Enabled, Unversioned};
use std::cell::Cell;
use std::hint::black_box;
use std::sync::Arc;
use tempfile::TempDir;

const ENGINES: [EngineKind; 2] = [EngineKind::Memory, EngineKind::Fjall];

/// An engine and where it lives, which goes with it.
fn engine(kind: EngineKind) -> (Arc<dyn Engine>, TempDir) {
    let dir = tempfile::tempdir().expect("a directory");
    (esker_kv::open(kind, dir.path(), &Options::default()).expect("the engine opens"), dir)
}

/// One command at a time, applied and committed.
fn apply(c: &mut Criterion) {
    for kind in ENGINES {
        let mut group = c.benchmark_group(format!("apply/{kind}"));
        group.throughput(Throughput::Elements(1));
        let (engine, _dir) = engine(kind);
        let bucket = Bucket::new(engine, Unversioned);
        let number = Cell::new(0_u64);
        let next_key = |prefix: &str| {
            number.set(number.get() + 1);
            // Spread, as real keys are.
            format!("{prefix}/{:016x}", number.get().wrapping_mul(0x9e37_79b9_7f4a_7c15))
        };
        group.bench_function("put a new key inline", |b| {
            b.iter_batched(|| next_key("new"), |key| bucket.put(&key), BatchSize::SmallInput);
        });
        group.bench_function("overwrite one key", |b| b.iter(|| bucket.put("one")));
        group.bench_function("delete a key", |b| {
            let put = || {
                let key = next_key("deleted");
                bucket.put(&key);
                key
            };
            b.iter_batched(put, |key| bucket.delete(&key), BatchSize::SmallInput);
        });
        group.finish();
    }
}

/// A list whose cost must not depend on the length of a history.
struct Page {
    name: &'static str,
    versioning: VersioningState,
    fill: fn(&Bucket, usize),
    /// As much data without the history, if the history is not itself the data.
    control: Option<fn(&Bucket, usize)>,
    list: fn(&Bucket) -> usize,
}

const PAGES: [Page; 3] = [
    Page {
        name: "1000 versions of a key that has",
        versioning: Enabled,
        fill: Bucket::fill_versions,
        control: None,
        list: Bucket::page_of_versions,
    },
    Page {
        name: "1000 objects behind delete markers",
        versioning: Enabled,
        fill: Bucket::fill_deleted,
        control: Some(Bucket::fill_undeleted),
        list: Bucket::page_of_objects,
    },
    Page {
        name: "1000 objects behind removed keys",
        versioning: Unversioned,
        fill: Bucket::fill_deleted,
        control: Some(Bucket::fill_undeleted),
        list: Bucket::page_of_objects,
    },
];

/// A bucket with a history, and where its engine lives.
fn bucket(kind: EngineKind, page: &Page, fill: fn(&Bucket, usize), count: usize) -> (Bucket, TempDir) {
    let (engine, dir) = engine(kind);
    let bucket = Bucket::new(engine, page.versioning);
    fill(&bucket, count);
    assert_eq!((page.list)(&bucket), 1000);
    (bucket, dir)
}

fn pages(c: &mut Criterion) {
    // A history of any length shows that the benchmark works.
    let (few, many) = if is_measured() { (1_000, 200_000) } else { (1_000, 2_000) };
    for kind in ENGINES {
        for page in &PAGES {
            let mut group = c.benchmark_group(format!("page/{kind}"));
            group.throughput(Throughput::Elements(1000));
            let (short, _short_dir) = bucket(kind, page, page.fill, few);
            let (long, _long_dir) = bucket(kind, page, page.fill, many);
            for (count, bucket) in [(few, &short), (many, &long)] {
                let id = BenchmarkId::new(page.name, count);
                group.bench_function(id, |b| b.iter(|| black_box((page.list)(bucket))));
            }
            group.finish();
            let ratio = |what: &str, one: &Bucket, other: &Bucket| {
                print_ratio(&format!("{kind}, {}: {what}", page.name), page, one, other);
            };
            ratio(&format!("{many} to {few}"), &short, &long);
            if let Some(fill) = page.control {
                let (control, _dir) = bucket(kind, page, fill, many);
                ratio(&format!("{many} to as many that were not deleted"), &control, &long);
            }
            short.compact();
            long.compact();
            ratio(&format!("{many} to {few}, compacted"), &short, &long);
        }
    }
}

/// How much longer the page of the other bucket takes than that of the one.
fn print_ratio(what: &str, page: &Page, one: &Bucket, other: &Bucket) {
    if !is_measured() {
        return;
    }
    let list = |bucket: &Bucket| {
        black_box((page.list)(bucket));
    };
    let ratio = Ratio::measure(&|| list(one), &|| list(other));
    println!("ratio {what}: {:.2} ({:?} to {:?})", ratio.value(), ratio.other, ratio.one);
}

criterion_group! { name = benches; config = bench::criterion(); targets = apply, pages }
criterion_main!(benches);
