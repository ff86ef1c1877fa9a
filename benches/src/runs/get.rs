//! Gets of objects that were put a moment ago, against the bare floor.

use super::compare::{Subject, take_turns};
use super::context::{Context, RunError};
use super::texts;
use crate::client::drive::Work;
use crate::client::setup::{fill, make_bucket, spread};
use crate::client::sign::{Call, Payload};
use crate::row::{Row, Target, Unit};
use crate::sample::{Sample, Series, millis};

const KIB: usize = 1 << 10;
const MIB: usize = 1 << 20;
/// Bytes of all objects together, about.
const STORED_BYTES: usize = 256 * MIB;
/// Most objects.
const OBJECTS_MAX: usize = 10_000;

pub(super) async fn run(cx: &Context) -> Result<Vec<Row>, RunError> {
    let small = 4 * KIB;
    let (esker, bare) = measure(cx, 16, small).await?;
    let figure = |of: &dyn Fn(&Sample) -> f64| esker.ratio(&bare, of);
    let told = |row: Row| {
        row.measured(texts::server(&esker, small)).floor(format!("bare {}", texts::server(&bare, small)))
    };
    let name = |what: &str| format!("GET 4 KiB, 16 clients{what}");
    let mut rows = vec![
        told(Row::new(name(""), figure(&|sample| sample.rate), Unit::Times, Target::AtLeast(0.55))),
        Row::new(name(": CPU of the server"), esker.cpu_millis(), Unit::Millis, Target::AtMost(0.08))
            .floor(format!("bare {:.3} ms", bare.cpu_millis())),
        told(Row::new(name(": p99"), figure(&|sample| millis(sample.p99)), Unit::Times, Target::AtMost(1.5))),
    ];
    for size in [MIB, cx.scale.large_bytes] {
        let (esker, bare) = measure(cx, 8, size).await?;
        let ratio = esker.ratio(&bare, |sample| sample.rate);
        let what = format!("GET {}, 8 clients", texts::size(size));
        let row = Row::new(what, ratio, Unit::Times, Target::AtLeast(0.8));
        rows.push(
            row.measured(texts::server(&esker, size)).floor(format!("bare {}", texts::server(&bare, size))),
        );
    }
    Ok(rows)
}

async fn measure(cx: &Context, clients: usize, size: usize) -> Result<(Series, Series), RunError> {
    let (esker, bare) = (cx.esker()?, cx.bare()?);
    make_bucket(esker.s3(), "bench").await?;
    let body = Payload::of_size(size);
    let count = (STORED_BYTES / size).clamp(8, OBJECTS_MAX) as u64;
    for process in [&esker, &bare] {
        fill(process.s3(), count, &body, |number| format!("/bench/{number:016x}")).await?;
    }
    let call = |number: u64| Call::get(format!("/bench/{:016x}", spread(number) % count));
    let work = || Work { length: Some(size as u64), ..Work::new(&call) };
    let subjects = [Subject::new(&esker, work()), Subject::new(&bare, work())];
    let [esker, bare] = &mut take_turns(cx, clients, &[&subjects[0], &subjects[1]]).await?[..] else {
        return Err(RunError::Wrong("two subjects give two series".to_owned()));
    };
    Ok((std::mem::take(esker), std::mem::take(bare)))
}
