//! Commands that no gateway would send, applied one after the other: each gives an outcome, equal rows give
//! equal rows, and the invariants of the index hold after every one.

use super::index_records::golden;
use crate::input::Input;
use bytes::Bytes;
use esker_index::command::Command;
use esker_index::outcome::Outcome;
use esker_index::rows::{MemoryRows, Overlay};
use esker_index::{apply, invariants, state_hash};
use esker_types::GroupId;

/// Most commands of one input.
const COMMANDS_MAX: usize = 40;
const GROUPS: [GroupId; 2] = [GroupId::DIRECTORY, GroupId(3)];

/// Sequences of commands, each led by its length in two bytes: all golden ones in their order, which creates a
/// bucket, uses it and deletes it; and the same with each of them twice.
pub fn seeds() -> Vec<Vec<u8>> {
    let commands = golden(include_str!("../../../crates/index/tests/golden/commands-v1.txt"));
    // A sealed bucket refuses everything, so that is left for last.
    let (life, end): (Vec<_>, Vec<_>) = (0..).zip(&commands).partition(|(at, _)| !matches!(at, 3..=5));
    // Incarnations are numbered from 1, and the golden commands are of the fifth.
    let creations = commands.iter().take(1).cycle().take(5);
    let requests = (0_u8..).zip(creations.chain(life.into_iter().chain(end).map(|(_, command)| command)));
    let framed = requests.map(|(request, command)| {
        let mut command = command.clone();
        // One request is one command: the ids differ, and so do the names that are created.
        command[1] = request;
        rename_creation(&mut command, request);
        framed(&command)
    });
    let framed: Vec<Vec<u8>> = framed.collect();
    let twice: Vec<Vec<u8>> = framed.iter().flat_map(|command| [command.clone(), command.clone()]).collect();
    let mut seeds = vec![framed.concat(), twice.concat()];
    seeds.extend(framed);
    seeds.push(cluster());
    seeds
}

/// The golden commands of a cluster, each as a request of its own.
fn cluster() -> Vec<u8> {
    let commands = golden(include_str!("../../../crates/index/tests/golden/cluster-commands-v1.txt"));
    let requests = (100_u8..).zip(commands).map(|(request, mut command)| {
        command[1] = request;
        framed(&command)
    });
    requests.collect::<Vec<_>>().concat()
}

/// Gives the bucket of a golden CreateBucket (`photos`) another name, but for the fifth.
fn rename_creation(command: &mut [u8], request: u8) {
    let name = command.windows(6).position(|window| window == b"photos");
    if let (Some(at), 0..=3) = (name, request) {
        command[at + 5] = b'0' + request;
    }
}

fn framed(command: &[u8]) -> Vec<u8> {
    let length = u16::try_from(command.len()).unwrap_or(u16::MAX);
    [&length.to_le_bytes(), command].concat()
}

/// Applies the commands of `data` to the empty rows of the directory's group, and to those of the group that
/// the golden commands are about.
pub fn run(data: &[u8]) {
    for group in GROUPS {
        let mut input = Input::new(data);
        let mut rows = MemoryRows::default();
        for _ in 0..COMMANDS_MAX {
            if input.is_empty() {
                break;
            }
            let length = usize::from(input.u16());
            if let Ok(command) = Command::decode(Bytes::copy_from_slice(input.bytes(length))) {
                step(&mut rows, group, &command);
            }
        }
    }
}

fn step(rows: &mut MemoryRows, group: GroupId, command: &Command) {
    let mut replica = rows.clone();
    let outcome = apply_to(rows, group, command);
    assert_eq!(apply_to(&mut replica, group, command), outcome, "{command:?}");
    assert_eq!(state_hash(&replica).expect("rows"), state_hash(rows).expect("rows"), "{command:?}");
    if let Err(broken) = invariants::check(rows) {
        panic!("{broken}, after {command:?} gave {outcome:?}");
    }
}

fn apply_to(rows: &mut MemoryRows, group: GroupId, command: &Command) -> Outcome {
    let mut overlay = Overlay::new(&*rows);
    let outcome = apply(&mut overlay, group, command).unwrap_or_else(|error| panic!("{error}: {command:?}"));
    let changes = overlay.into_changes();
    rows.apply(changes);
    outcome
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_seed_uses_the_buckets_that_it_makes() {
        let seed = seeds().swap_remove(0);
        let done = GROUPS.map(|group| {
            let mut input = Input::new(&seed);
            let mut rows = MemoryRows::default();
            let mut done = 0;
            while !input.is_empty() {
                let length = usize::from(input.u16());
                let command =
                    Command::decode(Bytes::copy_from_slice(input.bytes(length))).expect("a command");
                done += usize::from(apply_to(&mut rows, group, &command).is_ok());
            }
            done
        });
        assert!(done.iter().all(|done| *done >= 7), "{done:?} commands succeeded");
    }
}
