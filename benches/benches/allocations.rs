//! How often the server's side of a request asks the allocator for memory, and for how many bytes: a figure that a busy
//! machine doesn't change.
//!
//! The gateway, the index, the log and the segments run in this process. The client's thread isn't counted; everything
//! else is, work in the background included.
#![allow(missing_docs, reason = "a program")]
#![allow(unsafe_code, reason = "only an implementation of GlobalAlloc can count, and that trait is unsafe")]
#![allow(clippy::print_stdout, reason = "the table is the result")]

use bench::client::connection::Connection;
use bench::client::sign::{Call, Payload};
use bench::floor::bare::Bare;
use bench::is_measured;
use bench::row::{Row, Verdict, grouped, table};
use bench::stack::{Failure, Stack};
use esker_env::OsDisk;
use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use tokio::net::TcpListener;

/// The system's allocator, counting.
struct Counting;

static ALLOCATIONS: AtomicU64 = AtomicU64::new(0);
static BYTES: AtomicU64 = AtomicU64::new(0);

thread_local! {
    /// Whether this thread's allocations count. Neither made nor dropped by code, so that the allocator may use it.
    static COUNTS: Cell<bool> = const { Cell::new(true) };
}

fn count(bytes: usize) {
    if COUNTS.get() {
        ALLOCATIONS.fetch_add(1, Ordering::Relaxed);
        BYTES.fetch_add(bytes as u64, Ordering::Relaxed);
    }
}

// SAFETY: every call goes to the system's allocator with the arguments that came; counting touches no memory of others
// and allocates nothing.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        count(layout.size());
        // SAFETY: the caller's promise is the one that is asked for.
        unsafe { System.alloc(layout) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        count(layout.size());
        // SAFETY: as above.
        unsafe { System.alloc_zeroed(layout) }
    }

    unsafe fn realloc(&self, pointer: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        count(size);
        // SAFETY: as above.
        unsafe { System.realloc(pointer, layout, size) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        // SAFETY: as above.
        unsafe { System.dealloc(pointer, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

fn main() -> Result<(), Failure> {
    COUNTS.set(false);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let rows = runtime.block_on(rows())?;
    print!("{}", table(&rows));
    Ok(())
}

async fn rows() -> Result<Vec<Row>, Failure> {
    let (esker_dir, bare_dir) = (tempfile::tempdir()?, tempfile::tempdir()?);
    let stack = Stack::start(esker_dir.path()).await?;
    stack.make_bucket("bench").await?;
    let floor = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let address = listener.local_addr()?;
    let bare = Bare::create(&OsDisk, bare_dir.path())?;
    floor.spawn(bare.serve(TcpListener::from_std(listener.into_std()?)?));
    let mut rows = Vec::new();
    for (size, name, requests) in [(4 << 10, "4 KiB", 2000), (1 << 20, "1 MiB", 100)] {
        let requests = if is_measured() { requests } else { 2 };
        let body = Payload::of_size(size);
        let put = |number: u64| Call::put(format!("/bench/{number:016x}"), &body);
        let get = |number: u64| Call::get(format!("/bench/{number:016x}"));
        let calls: [(&str, &dyn Fn(u64) -> Call); 2] = [("PUT", &put), ("GET", &get)];
        for (verb, call) in calls {
            let (esker, bare) =
                (counted(stack.s3(), requests, call).await?, counted(address, requests, call).await?);
            let row = Row::without(format!("allocations per {verb} {name}"), Verdict::Told);
            rows.push(row.measured(esker).floor(format!("bare {bare}")));
        }
    }
    floor.shutdown_background();
    Ok(rows)
}

/// What each of so many requests, one after the other, costs.
async fn counted(address: SocketAddr, requests: u64, call: &dyn Fn(u64) -> Call) -> Result<String, Failure> {
    let mut connection = Connection::open(address).await?;
    // What a connection and its first request cost is not counted.
    connection.drain(&call(0), &[200]).await?;
    let before = (ALLOCATIONS.load(Ordering::Relaxed), BYTES.load(Ordering::Relaxed));
    for number in 0..requests {
        connection.drain(&call(number), &[200]).await?;
    }
    let each =
        |counter: &AtomicU64, before| (counter.load(Ordering::Relaxed) - before) as f64 / requests as f64;
    let (allocations, bytes) = (each(&ALLOCATIONS, before.0), each(&BYTES, before.1));
    Ok(format!("{} of {} KiB", grouped(allocations), grouped(bytes / 1024.0)))
}
