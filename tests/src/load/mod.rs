//! Clients that write and read without end, through every gateway, and note what they were told.
//!
//! Each client is a thread with a connection of its own to one gateway, which it never leaves: so a gateway that does not
//! serve is seen, whatever the others do. What all of them saw is one history, which the checker judges.

mod body;
mod client;
mod gaps;
mod record;
mod versions;

pub use body::{body, etag_of};
pub use gaps::longest_gap;
pub use record::{Event, Kind, Record};
pub use versions::{Sighted, listing};

use crate::payload::Payload;
use client::Client;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Instant;

/// How the clients are to be.
#[derive(Clone, Debug)]
pub struct Options {
    /// The bucket, whose versioning is enabled.
    pub bucket: String,
    /// Clients of each gateway.
    pub clients_per_gateway: u32,
    /// The keys that all of them use.
    pub keys: u32,
    /// What the choices of all clients are made from.
    pub seed: u64,
}

/// Clients at work. Dropping it stops them.
pub struct Load {
    options: Options,
    started: Instant,
    stop: Arc<AtomicBool>,
    record: Arc<Mutex<Record>>,
    clients: Vec<JoinHandle<()>>,
}

impl Load {
    /// Starts clients of these gateways.
    pub fn start(options: Options, gateways: &[SocketAddr]) -> Load {
        let mut load = Load {
            options,
            started: Instant::now(),
            stop: Arc::default(),
            record: Arc::default(),
            clients: Vec::new(),
        };
        gateways.iter().enumerate().for_each(|(index, address)| load.join(index, *address));
        load
    }

    /// Starts clients of one more gateway.
    pub fn join(&mut self, gateway: usize, address: SocketAddr) {
        for _ in 0..self.options.clients_per_gateway {
            let number = u32::try_from(self.clients.len()).expect("a few clients");
            let choices = Payload::new(self.options.seed.wrapping_mul(1_000).wrapping_add(number.into()));
            let (stop, record) = (self.stop.clone(), self.record.clone());
            let mut client =
                Client::new(number, gateway, address, &self.options, self.started, choices, record);
            self.clients.push(std::thread::spawn(move || {
                while !stop.load(Ordering::Relaxed) {
                    client.act();
                }
            }));
        }
    }

    /// Looks at what was noted so far.
    pub fn look<T>(&self, at: impl FnOnce(&Record) -> T) -> T {
        at(&self.record.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// The time since the clients started, in the history's measure.
    pub fn now(&self) -> esker_checker::Moment {
        record::moment(self.started)
    }

    /// Stops all clients, and returns what they noted.
    ///
    /// # Panics
    /// If a client did.
    pub fn stop(mut self) -> Record {
        self.stop.store(true, Ordering::Relaxed);
        for client in self.clients.drain(..) {
            client.join().expect("clients don't panic");
        }
        std::mem::take(&mut *self.record.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Drop for Load {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
    }
}
