//! Pages of the documentation that follow from the code. They are written here, and compared with those in `docs/`.

mod configuration;
mod metrics;

use std::path::Path;

/// Set to write the pages instead of comparing them; `cargo xtask docs` does.
const WRITE: &str = "ESKER_WRITE_DOCS";

/// Compares a page of `docs/` with what the code says, or writes it.
#[track_caller]
#[expect(clippy::disallowed_methods, reason = "a page of the repository, not data")]
fn check(name: &str, page: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs").join(name);
    if std::env::var_os(WRITE).is_some() {
        std::fs::write(&path, page).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        return;
    }
    let found = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(found == page, "docs/{name} is not what the code says. To write it anew: cargo xtask docs");
}

/// A cell of a table: what would end it is escaped.
fn cell(text: &str) -> String {
    text.replace('|', "\\|")
}
