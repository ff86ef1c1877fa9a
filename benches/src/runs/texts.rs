//! How rates, latencies and sizes are written in the table.

use crate::row::grouped;
use crate::sample::{Series, millis};

const MIB: usize = 1 << 20;

/// `4 KiB`, `64 MiB`, `1 GiB`.
pub(super) fn size(bytes: usize) -> String {
    match bytes {
        bytes if bytes >= 1 << 30 => format!("{} GiB", bytes >> 30),
        bytes if bytes >= MIB => format!("{} MiB", bytes >> 20),
        bytes => format!("{} KiB", bytes >> 10),
    }
}

/// Rate, latencies and processor time of a server under requests of a size.
pub(super) fn server(series: &Series, bytes: usize) -> String {
    let (p50, p99) = latencies(series);
    format!("{}, p50 {p50:.2} ms, p99 {p99:.2} ms, CPU {:.3} ms", rate(series, bytes), series.cpu_millis())
}

/// Requests of a size a second; of large ones, bytes too.
pub(super) fn rate(series: &Series, bytes: usize) -> String {
    match bytes >= MIB {
        true => {
            format!("{:.1}/s, {} MiB/s", series.rate(), grouped(series.rate() * bytes as f64 / MIB as f64))
        }
        false => format!("{}/s", grouped(series.rate())),
    }
}

fn latencies(series: &Series) -> (f64, f64) {
    (series.median(|sample| millis(sample.p50)), series.median(|sample| millis(sample.p99)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_written_in_their_largest_unit() {
        assert_eq!([4 << 10, 1 << 20, 64 << 20, 1 << 30].map(size), ["4 KiB", "1 MiB", "64 MiB", "1 GiB"]);
    }
}
