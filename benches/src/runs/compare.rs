//! Subjects that take turns under the same load.

use super::context::{Context, RunError};
use crate::client::drive::{Turn, Until, Work, drive};
use crate::process::{Process, cpu_of};
use crate::sample::Series;
use std::cell::RefCell;
use std::net::SocketAddr;

/// One or more processes under one load.
#[derive(Debug)]
pub(super) struct Subject<'a> {
    pub(super) processes: Vec<&'a Process>,
    pub(super) work: Work<'a>,
}

impl<'a> Subject<'a> {
    pub(super) fn new(process: &'a Process, work: Work<'a>) -> Subject<'a> {
        Subject { processes: vec![process], work }
    }

    /// One turn, with the processor time of all processes in it.
    pub(super) async fn turn(&self, cx: &Context, clients: usize) -> Result<Turn, RunError> {
        let addresses: Vec<SocketAddr> = self.processes.iter().map(|process| process.s3()).collect();
        let until = Until::Time { warm_up: cx.scale.warm_up, counted: cx.scale.counted };
        let before = RefCell::new(None);
        let begin = || {
            before.replace(Some(cpu_of(&self.processes)));
        };
        let mut turn = drive(&addresses, clients, &self.work, until, begin).await?;
        let after = cpu_of(&self.processes)?;
        if let Some(before) = before.into_inner() {
            let requests = u32::try_from(turn.sample.requests.max(1)).unwrap_or(u32::MAX);
            turn.sample.cpu = after.saturating_sub(before?) / requests;
        }
        Ok(turn)
    }
}

/// Each subject in turn, as often as the scale says.
pub(super) async fn take_turns(
    cx: &Context,
    clients: usize,
    subjects: &[&Subject<'_>],
) -> Result<Vec<Series>, RunError> {
    let mut series = vec![Series::default(); subjects.len()];
    for _ in 0..cx.scale.rounds {
        for (subject, series) in subjects.iter().zip(&mut series) {
            series.0.push(subject.turn(cx, clients).await?.sample);
        }
    }
    Ok(series)
}
