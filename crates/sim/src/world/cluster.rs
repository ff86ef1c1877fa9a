//! All machines and gateways of a simulation, and what can be done to them between two steps of time.

use super::clock::SimTime;
use super::gateway::{self, CLIENTS_MAX, Gateway};
use super::machine::{Failure, Machine};
use super::node;
use super::operator;
use super::plan::{Plan, Scale};
use crate::mutants::Mutant;
use crate::oracle::Oracle;
use crate::trace::Trace;
use crate::watch::Watch;
use esker_env::SeededRandom;
use esker_types::{NodeId, NodeState};
use std::future::Future;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::sync::{mpsc, watch};
use turmoil::Sim;

/// How much time passes in a step. Half of what a run costs is the number of its steps.
const TICK: Duration = Duration::from_millis(2);
/// Segments that wait for a stream's reader.
const TCP_SEGMENTS: usize = 4096;

/// A simulation.
pub struct Cluster {
    sim: Sim<'static>,
    /// The machines.
    pub machines: Vec<Arc<Machine>>,
    /// The gateways.
    pub gateways: Vec<Arc<Gateway>>,
    /// What processes are told.
    pub plan: Arc<Plan>,
    /// The time.
    pub time: SimTime,
    /// What happened.
    pub trace: Trace,
    /// What clients were told.
    pub oracle: Oracle,
    /// How large it is.
    pub scale: Scale,
    random: SeededRandom,
    members: watch::Sender<Vec<(NodeId, String)>>,
    go_on: watch::Sender<bool>,
    orders: mpsc::UnboundedSender<(NodeId, NodeState)>,
}

impl Cluster {
    /// All machines and gateways, switched on.
    pub fn start(seed: u64, scale: Scale, mutant: Option<Mutant>, random: &SeededRandom) -> Cluster {
        let (time, trace, oracle) = (SimTime::default(), Trace::default(), Oracle::default());
        let machines: Vec<Arc<Machine>> =
            (1..=scale.machines).map(|number| machine(number, &time, random)).collect();
        let watch = Arc::new(Watch::new(oracle.clone()));
        machines.iter().for_each(|machine| watch.add(machine.clone()));
        let founders: Vec<(NodeId, String)> =
            machines.iter().map(|machine| (machine.node(), machine.address())).collect();
        let (members, seen) = watch::channel(founders.clone());
        let plan = Arc::new(Plan {
            first: machines[0].name.clone(),
            founder: founders[0].0,
            founders,
            mutant,
            scale: scale.clone(),
            watch,
            members: seen,
        });
        let (go_on, goes_on) = watch::channel(true);
        let gateways: Vec<Arc<Gateway>> = (0..scale.gateways)
            .map(|number| {
                Arc::new(Gateway {
                    number: u32::try_from(number).unwrap_or(0),
                    clients: u32::try_from(scale.clients).unwrap_or(1),
                    plan: plan.clone(),
                    time: time.clone(),
                    trace: trace.clone(),
                    oracle: oracle.clone(),
                    random: random.fork(),
                    go_on: goes_on.clone(),
                    session: Arc::new(Mutex::new(None)),
                })
            })
            .collect();
        let mut sim = network(seed, &scale);
        let (orders, given) = mpsc::unbounded_channel();
        let operator = operator::run(given, plan.clone(), time.clone(), trace.clone(), random.fork());
        sim.client("operator", operator);
        let random = random.fork();
        let mut cluster = Cluster {
            sim,
            machines,
            gateways,
            plan,
            time,
            trace,
            oracle,
            scale,
            random,
            members,
            go_on,
            orders,
        };
        cluster.switch_on();
        cluster
    }

    fn switch_on(&mut self) {
        for machine in self.machines.clone() {
            self.switch_on_machine(machine);
        }
        for (number, gateway) in self.gateways.iter().enumerate() {
            let gateway = gateway.clone();
            self.sim.host(format!("gateway-{number}"), move || gateway::run(gateway.clone()));
        }
    }

    fn switch_on_machine(&mut self, machine: Arc<Machine>) {
        let plan = self.plan.clone();
        self.sim.host(machine.name.clone(), move || node::run(machine.clone(), plan.clone()));
    }

    /// Lets a step of time pass.
    ///
    /// # Errors
    /// A process ended by itself and had no reason to.
    pub fn step(&mut self) -> Result<(), String> {
        self.sim.step().map_err(|error| error.to_string())?;
        self.time.reach(self.sim.elapsed());
        for at in 0..self.machines.len() {
            match self.machines[at].take_failure() {
                None => {}
                Some(Failure::OfDisk(why)) => {
                    self.note(format_args!("{} stops: {why}", self.machines[at].name));
                    self.oracle.saw("stop because of a disk");
                    self.crash(at, End::Kill);
                }
                Some(Failure::Unexpected(why)) => {
                    return Err(format!("{} stops: {why}", self.machines[at].name));
                }
            }
        }
        Ok(())
    }

    /// How much time has passed.
    pub fn elapsed(&self) -> Duration {
        self.sim.elapsed()
    }

    /// The network.
    pub fn network(&mut self) -> &mut Sim<'static> {
        &mut self.sim
    }

    /// Runs something on a machine of its own, beside the cluster.
    pub fn aside(&mut self, name: &str, task: impl Future<Output = turmoil::Result> + 'static) {
        self.sim.client(name, task);
    }

    /// The names of all machines and gateways.
    pub fn all_names(&self) -> Vec<String> {
        let gateways = (0..self.gateways.len()).map(|number| format!("gateway-{number}"));
        self.machines.iter().map(|machine| machine.name.clone()).chain(gateways).collect()
    }

    /// Ends a machine's process at once.
    pub fn crash(&mut self, at: usize, end: End) {
        match end {
            End::PowerLoss => self.machines[at].lose_power(),
            End::Kill => self.machines[at].kill(),
            End::Wipe => self.machines[at].wipe(),
        }
        self.sim.crash(self.machines[at].name.as_str());
        if end == End::Wipe {
            self.tell_members();
        }
    }

    /// Another machine comes.
    pub fn join(&mut self) {
        let machine = machine(self.machines.len() + 1, &self.time, &self.random);
        self.plan.watch.add(machine.clone());
        self.machines.push(machine.clone());
        self.tell_members();
        self.switch_on_machine(machine);
    }

    fn tell_members(&self) {
        let now = self.machines.iter().map(|machine| (machine.node(), machine.address()));
        self.members.send_replace(now.collect());
    }

    /// Orders that a machine's node is to be drained, or not any more.
    pub fn order(&self, at: usize, state: NodeState) {
        // The operator is there as long as the cluster.
        let _ = self.orders.send((self.machines[at].node(), state));
    }

    /// Starts a machine's process again.
    pub fn restart(&mut self, at: usize) {
        self.sim.bounce(self.machines[at].name.as_str());
    }

    /// Ends a gateway's process and starts another one.
    pub fn bounce_gateway(&mut self, at: usize) {
        self.sim.bounce(format!("gateway-{at}").as_str());
        let first = u32::try_from(at).unwrap_or(0) * CLIENTS_MAX;
        let nanos = u64::try_from(self.elapsed().as_nanos()).unwrap_or(u64::MAX);
        self.oracle.abandon(first..first + CLIENTS_MAX, nanos);
    }

    /// Tells clients to end.
    pub fn end_clients(&self) {
        self.go_on.send_replace(false);
    }

    /// Whether all gateways have reached the cluster once.
    pub fn is_ready(&self) -> bool {
        let ready = |gateway: &Arc<Gateway>| gateway.session.lock().is_ok_and(|session| session.is_some());
        self.gateways.iter().all(ready)
    }

    /// Notes an event.
    pub fn note(&self, event: impl std::fmt::Display) {
        self.trace.note(self.elapsed(), event);
    }
}

/// How a process ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// With its machine's power.
    PowerLoss,
    /// Alone.
    Kill,
    /// With all that its machine had.
    Wipe,
}

fn machine(number: usize, time: &SimTime, random: &SeededRandom) -> Arc<Machine> {
    Arc::new(Machine::new(format!("node-{number}"), time.clone(), random.fork()))
}

fn network(seed: u64, scale: &Scale) -> Sim<'static> {
    turmoil::Builder::new()
        .rng_seed(seed)
        .tick_duration(TICK)
        .min_message_latency(TICK)
        .max_message_latency(scale.latency_max)
        .tcp_capacity(TCP_SEGMENTS)
        .simulation_duration(Duration::from_secs(24 * 3600))
        .build()
}
