//! How long a gateway did not serve.

use super::record::{Event, Kind};
use esker_checker::Moment;
use std::time::Duration;

/// The longest time between two moments in which no request of a kind was served through a gateway.
pub fn longest_gap(events: &[Event], gateway: usize, kind: Kind, from: Moment, to: Moment) -> Duration {
    let served = |event: &&Event| event.gateway == gateway && event.kind == kind && event.failure.is_none();
    let mut ends: Vec<u64> = events.iter().filter(served).map(|event| event.ended.0).collect();
    ends.retain(|end| (from.0..=to.0).contains(end));
    ends.extend([from.0, to.0]);
    ends.sort_unstable();
    Duration::from_nanos(ends.windows(2).map(|pair| pair[1] - pair[0]).max().unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_longest_silence_counts_whether_it_is_at_an_end_or_between() {
        let event = |ended, failure: Option<&str>| Event {
            gateway: 1,
            kind: Kind::Write,
            begun: Moment(0),
            ended: Moment(ended),
            failure: failure.map(str::to_owned),
        };
        let events = [event(5, None), event(10, None), event(40, Some("503")), event(50, None)];
        let gap = |from, to| longest_gap(&events, 1, Kind::Write, Moment(from), Moment(to)).as_nanos();
        assert_eq!((gap(0, 60), gap(0, 20), gap(45, 100)), (40, 10, 50));
        assert_eq!(longest_gap(&events, 2, Kind::Write, Moment(3), Moment(9)).as_nanos(), 6);
    }
}
