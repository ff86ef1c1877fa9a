//! Where work that blocks is done: on threads beside the runtime, or in turn on the one thread that a simulation has.
//!
//! A simulation must run the same way each time for the same seed, so nothing may go on beside it. On its thread the
//! jobs that block, and the loops that have threads of their own elsewhere, are tasks of the runtime, and what they
//! would wait for the disk is time of the runtime's clock.

use std::cell::RefCell;
use std::fmt;
use std::marker::PhantomData;
use std::rc::Rc;
use std::time::Duration;
use tokio::task::JoinHandle;

type Delay = Rc<dyn Fn() -> Duration>;

thread_local! {
    static DELAY: RefCell<Option<Delay>> = const { RefCell::new(None) };
}

/// While it lives, whatever the current thread starts runs on the current thread.
pub struct OneThread {
    /// It belongs to the thread that made it.
    _here: PhantomData<*const ()>,
}

impl OneThread {
    /// Does without further threads from now on. `delay` says, for each job that waits for a disk, how long.
    pub fn begin(delay: impl Fn() -> Duration + 'static) -> OneThread {
        DELAY.with(|current| *current.borrow_mut() = Some(Rc::new(delay)));
        OneThread { _here: PhantomData }
    }

    /// Whether the current thread does without others.
    pub fn is_here() -> bool {
        DELAY.with(|current| current.borrow().is_some())
    }
}

impl Drop for OneThread {
    fn drop(&mut self) {
        DELAY.with(|current| *current.borrow_mut() = None);
    }
}

impl fmt::Debug for OneThread {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("OneThread")
    }
}

/// Runs a job that blocks, as `tokio::task::spawn_blocking` does: it runs to its end whether or not it is awaited.
///
/// # Panics
/// Outside of a runtime.
pub fn spawn_blocking<T: Send + 'static>(job: impl FnOnce() -> T + Send + 'static) -> JoinHandle<T> {
    if !OneThread::is_here() {
        return tokio::task::spawn_blocking(job);
    }
    tokio::spawn(async move {
        disk_delay().await;
        job()
    })
}

/// What a disk takes for one job, in a simulation; nothing elsewhere, where the disk takes its time itself.
pub async fn disk_delay() {
    // The borrow ends before the wait.
    let delay = DELAY.with(|current| current.borrow().clone()).map_or(Duration::ZERO, |delay| delay());
    if !delay.is_zero() {
        tokio::time::sleep(delay).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_job_runs_beside_the_runtime_or_in_turn_and_then_takes_the_runtimes_time() {
        let beside = spawn_blocking(|| std::thread::current().id()).await.unwrap();
        assert_ne!(beside, std::thread::current().id());
        let begin = tokio::time::Instant::now();
        let one = OneThread::begin(|| Duration::from_millis(7));
        let here = spawn_blocking(|| std::thread::current().id()).await.unwrap();
        assert_eq!(here, std::thread::current().id());
        assert_eq!(begin.elapsed(), Duration::from_millis(7));
        drop(one);
        assert!(!OneThread::is_here());
    }
}
