//! Clients that all want the same key, against clients that each want their own.

use super::compare::Subject;
use super::context::{Context, RunError};
use super::texts;
use crate::client::drive::Work;
use crate::client::setup::{make_bucket, spread};
use crate::client::sign::{Call, Payload};
use crate::row::{Row, Target, Unit, grouped};
use crate::sample::{Series, median};
use std::cell::Cell;

const SIZE: usize = 4 << 10;
const CLIENTS: usize = 16;

pub(super) async fn run(cx: &Context) -> Result<Vec<Row>, RunError> {
    let esker = cx.esker()?;
    make_bucket(esker.s3(), "bench").await?;
    let body = Payload::of_size(SIZE);
    let round = Cell::new(0);
    let distinct = |number: u64| Call::put(format!("/bench/own/{:016x}", spread(number)), &body);
    let hot = |_| Call::put("/bench/hot", &body);
    let create = |_| Call::put(format!("/bench/create/{}", round.get()), &body).header("if-none-match", "*");
    let distinct = Subject::new(&esker, Work::new(&distinct));
    let hot = Subject::new(&esker, Work::new(&hot));
    let create = Subject::new(&esker, Work { expected: &[200, 412], ..Work::new(&create) });
    let (mut own, mut one, mut losers, mut winners) = (Series::default(), Series::default(), Vec::new(), 0);
    for number in 0..cx.scale.rounds {
        round.set(number);
        own.0.push(distinct.turn(cx, CLIENTS).await?.sample);
        one.0.push(hot.turn(cx, CLIENTS).await?.sample);
        let turn = create.turn(cx, CLIENTS).await?;
        winners += turn.replies.get(&200).copied().unwrap_or(0);
        losers.push(turn.rates.get(&412).copied().unwrap_or(0.0));
    }
    let ratio = one.ratio(&own, |sample| sample.rate);
    let against = format!("distinct keys {}", texts::server(&own, SIZE));
    let lost = median(losers.iter().zip(&own.0).map(|(losers, own)| losers / own.rate).collect());
    let (what, rounds) = ("conditional create of one key, 16 clients", cx.scale.rounds as f64);
    Ok(vec![
        Row::new("overwrite of one hot key, 16 clients", ratio, Unit::Times, Target::AtLeast(0.9))
            .measured(texts::server(&one, SIZE))
            .floor(against.clone()),
        Row::new(
            format!("{what}: winners in {rounds} rounds"),
            winners as f64,
            Unit::Count,
            Target::Exactly(rounds),
        ),
        Row::new(format!("{what}: losers' replies"), lost, Unit::Times, Target::AtLeast(1.0))
            .measured(format!("{}/s", grouped(median(losers))))
            .floor(against),
    ])
}
