//! Three nodes on one machine, against one.

use super::compare::{Subject, take_turns};
use super::context::{Context, RunError};
use super::texts;
use crate::client::drive::Work;
use crate::client::setup::{make_bucket, spread};
use crate::client::sign::{Call, Payload};
use crate::row::{Row, Target, Unit};

const SIZE: usize = 4 << 10;
const CLIENTS: usize = 16;

pub(super) async fn run(cx: &Context) -> Result<Vec<Row>, RunError> {
    let (alone, nodes) = (cx.esker()?, cx.cluster(3)?);
    for address in [alone.s3(), nodes[0].s3()] {
        make_bucket(address, "bench").await?;
    }
    let body = Payload::of_size(SIZE);
    let call = |number: u64| Call::put(format!("/bench/{:016x}", spread(number)), &body);
    let one = Subject::new(&alone, Work::new(&call));
    let three = Subject { processes: nodes.iter().collect(), work: Work::new(&call) };
    let series = take_turns(cx, CLIENTS, &[&three, &one]).await?;
    let ratio = series[0].ratio(&series[1], |sample| sample.rate);
    let what = "3 nodes on one machine, PUT 4 KiB, 16 clients";
    let cpu = series[0].cpu_millis();
    Ok(vec![
        Row::new(what, ratio, Unit::Times, Target::AtLeast(0.3))
            .measured(texts::server(&series[0], SIZE))
            .floor(format!("one node {}", texts::server(&series[1], SIZE))),
        Row::new(format!("{what}: CPU of all nodes"), cpu, Unit::Millis, Target::AtMost(0.8))
            .floor(format!("one node {:.3} ms", series[1].cpu_millis())),
    ])
}
