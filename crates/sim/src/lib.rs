//! A whole cluster in one process and on one thread: real nodes over a simulated network, simulated disks and clocks.
//!
//! A seed decides how large a cluster is, what its clients do and what fails when. What clients were told is checked
//! against what is there in the end; the run ends with everything healed, and then all must become well again.
//!
//! **The same seed gives the same run.** Everything happens on one thread in turn: time is the simulation's, jobs that
//! block are tasks (`esker_env::threads`), and the random numbers that libraries draw from the operating system come
//! from the seed (`determinism`). `--twice` runs a seed twice in processes of their own and compares the hashes of
//! their traces. What is left out: the pause that HTTP/2 remembers given-up streams for is measured by the machine's
//! own clock. A run that fails prints its last events.

pub mod clients;
pub mod determinism;
pub mod faults;
pub mod invariants;
pub mod liveness;
pub mod mutants;
pub mod oracle;
pub mod run;
pub mod trace;
pub mod watch;
pub mod world;
