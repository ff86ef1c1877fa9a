//! A timer that is exact to some 50 µs. The runtime's own counts milliseconds, by which an open loop's requests would
//! begin too late, and the server would be blamed for it.

use rustix::time::{
    Itimerspec, TimerfdClockId, TimerfdFlags, TimerfdTimerFlags, Timespec, timerfd_create, timerfd_settime,
};
use std::io;
use std::os::fd::OwnedFd;
use std::time::Duration;
use tokio::io::unix::AsyncFd;

/// A timer of the kernel.
pub(super) struct Timer(AsyncFd<OwnedFd>);

impl Timer {
    pub(super) fn new() -> io::Result<Timer> {
        let flags = TimerfdFlags::NONBLOCK | TimerfdFlags::CLOEXEC;
        let timer = timerfd_create(TimerfdClockId::Monotonic, flags)?;
        #[expect(
            deprecated,
            reason = "its successor is unsafe, to be promised what holds here: one descriptor, owned until it is dropped"
        )]
        let timer = AsyncFd::new(timer)?;
        Ok(Timer(timer))
    }

    /// Waits for so long.
    pub(super) async fn wait(&mut self, duration: Duration) -> io::Result<()> {
        let value = Timespec {
            tv_sec: i64::try_from(duration.as_secs()).unwrap_or(i64::MAX),
            // Zero would disarm it.
            tv_nsec: i64::from(duration.subsec_nanos()).max(i64::from(duration.as_secs() == 0)),
        };
        let once = Itimerspec { it_interval: Timespec { tv_sec: 0, tv_nsec: 0 }, it_value: value };
        timerfd_settime(self.0.get_ref(), TimerfdTimerFlags::empty(), &once)?;
        loop {
            let mut ready = self.0.readable().await?;
            let mut expirations = [0; 8];
            match ready.try_io(|fd| Ok(rustix::io::read(fd.get_ref(), &mut expirations)?)) {
                Ok(read) => return read.map(drop),
                Err(_would_block) => {}
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use esker_env::{Clock as _, SystemClock};

    #[tokio::test]
    async fn it_never_ends_too_soon_and_can_be_used_again() {
        let clock = SystemClock::new();
        let mut timer = Timer::new().expect("a timer");
        for micros in [0, 1, 500, 20_000] {
            let (begin, wanted) = (clock.monotonic(), Duration::from_micros(micros));
            timer.wait(wanted).await.expect("it ends");
            assert!(clock.monotonic() - begin >= wanted);
        }
    }

    #[tokio::test]
    async fn a_wait_that_was_given_up_does_not_shorten_the_next() {
        let clock = SystemClock::new();
        let mut timer = Timer::new().expect("a timer");
        tokio::select! {
            biased;
            _ = timer.wait(Duration::from_millis(1)) => panic!("it can't end at once"),
            () = std::future::ready(()) => {}
        }
        let (begin, wanted) = (clock.monotonic(), Duration::from_millis(30));
        timer.wait(wanted).await.expect("it ends");
        assert!(clock.monotonic() - begin >= wanted);
    }
}
