//! Durable puts, against both floors.

use super::compare::Subject;
use super::context::{Context, RunError};
use super::texts;
use crate::client::drive::Work;
use crate::client::setup::{make_bucket, spread};
use crate::client::sign::{Call, Payload};
use crate::floor::disk;
use crate::row::{Row, Target, Unit};
use crate::sample::{Series, millis};

const KIB: usize = 1 << 10;
const MIB: usize = 1 << 20;

/// What one load gave.
struct Measured {
    esker: Series,
    bare: Series,
    disk: Series,
}

pub(super) async fn run(cx: &Context) -> Result<Vec<Row>, RunError> {
    let mut rows = Vec::new();
    let small = 4 * KIB;
    for (clients, bound) in [(16, 0.45), (64, 0.55)] {
        let measured = measure(cx, clients, small).await?;
        rows.push(rate_row(&measured, clients, small, bound));
        if clients == 16 {
            let cpu = measured.esker.cpu_millis();
            let row =
                Row::new("PUT 4 KiB, 16 clients: CPU of the server", cpu, Unit::Millis, Target::AtMost(0.22));
            rows.push(row.floor(format!("bare {:.3} ms", measured.bare.cpu_millis())));
        }
    }
    let alone = measure(cx, 1, small).await?;
    let p50 = alone.esker.ratio(&alone.bare, |sample| millis(sample.p50));
    let row = Row::new("PUT 4 KiB, 1 client: p50", p50, Unit::Times, Target::AtMost(2.7));
    rows.push(told(row, &alone, small));
    for size in [MIB, cx.scale.large_bytes] {
        let measured = measure(cx, 8, size).await?;
        rows.push(rate_row(&measured, 8, size, 0.8));
    }
    Ok(rows)
}

fn rate_row(measured: &Measured, clients: usize, size: usize, bound: f64) -> Row {
    let ratio = measured.esker.ratio(&measured.bare, |sample| sample.rate);
    let what = format!("PUT {}, {clients} clients", texts::size(size));
    told(Row::new(what, ratio, Unit::Times, Target::AtLeast(bound)), measured, size)
}

fn told(row: Row, measured: &Measured, size: usize) -> Row {
    let Measured { esker, bare, disk } = measured;
    let floors = format!("bare {}; disk {}", texts::server(bare, size), texts::rate(disk, size));
    row.measured(texts::server(esker, size)).floor(floors)
}

/// Esker, the bare floor and the disk in turn. Each load has servers of its own, so that none inherits another's data.
async fn measure(cx: &Context, clients: usize, size: usize) -> Result<Measured, RunError> {
    let (esker, bare) = (cx.esker()?, cx.bare()?);
    make_bucket(esker.s3(), "bench").await?;
    let body = Payload::of_size(size);
    let call = |number: u64| Call::put(format!("/bench/{:016x}", spread(number)), &body);
    let subjects = [Subject::new(&esker, Work::new(&call)), Subject::new(&bare, Work::new(&call))];
    let disk_dir = cx.directory()?;
    let mut measured =
        Measured { esker: Series::default(), bare: Series::default(), disk: Series::default() };
    for _ in 0..cx.scale.rounds {
        measured.esker.0.push(subjects[0].turn(cx, clients).await?.sample);
        measured.bare.0.push(subjects[1].turn(cx, clients).await?.sample);
        measured.disk.0.push(disk::measure(&disk_dir, clients, size, cx.scale.counted)?);
    }
    Ok(measured)
}
