//! Random numbers of the operating system that come from the seed.
//!
//! Libraries draw a few: the keys of hash maps, the choices of `select!`, the spread of election timeouts. This process's
//! `getrandom` takes the place of the C library's, and answers from a generator that the simulation seeds.
#![allow(unsafe_code, reason = "it stands in for a function of the C library")]

use esker_env::{Random as _, SeededRandom};
use std::sync::{OnceLock, PoisonError, RwLock};

static NUMBERS: OnceLock<RwLock<SeededRandom>> = OnceLock::new();

fn numbers() -> &'static RwLock<SeededRandom> {
    NUMBERS.get_or_init(|| RwLock::new(SeededRandom::new(0)))
}

/// Numbers come from this seed from now on, in the whole process.
pub fn seed(seed: u64) {
    *numbers().write().unwrap_or_else(PoisonError::into_inner) = SeededRandom::new(seed);
}

/// Fills a buffer as `getrandom(2)` does.
///
/// # Safety
/// `buffer` is valid for writes of `length` bytes, or null with a length of 0, as the function that this one stands in
/// for demands.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn getrandom(buffer: *mut u8, length: usize, _flags: u32) -> isize {
    if length > 0 && !buffer.is_null() {
        // SAFETY: the caller's promise, see above.
        let bytes = unsafe { std::slice::from_raw_parts_mut(buffer, length) };
        numbers().read().unwrap_or_else(PoisonError::into_inner).fill(bytes);
    }
    isize::try_from(length).unwrap_or(isize::MAX)
}
