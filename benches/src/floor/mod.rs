//! What the least that could do the job costs, so that a rate of Esker's is read against this machine and not against a
//! number that somebody remembers.
//!
//! * *bare* is a server: hyper, the SigV4 check, one group-committed append for each PUT, one `pread` for each GET.
//! * *disk* is no server: as many threads as there are clients, each of which appends and syncs.

pub mod bare;
mod body;
mod committer;
pub mod disk;
