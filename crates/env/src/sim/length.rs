//! How long tests that draw at random go on.

/// `short`, or thirty times as many where the variable `ESKER_LONG` is set (`cargo xtask verify --long`).
pub fn rounds(short: u64) -> u64 {
    if std::env::var_os("ESKER_LONG").is_some() { short * 30 } else { short }
}
