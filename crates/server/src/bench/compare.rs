//! `esker bench report`: reports side by side.

use super::BenchError;
use clap::Args;
use esker_env::{DiskError, DiskOperation, OsDisk, Permissions, read_file, write_atomically};
use esker_load::report::{NotReport, Past, page, table};
use std::path::{Path, PathBuf};

/// A report of a day, a line for each second, is less.
const REPORT_BYTES_MAX: u64 = 256 << 20;

/// What to compare.
#[derive(Args)]
pub(super) struct Compare {
    /// Reports that loads have written with --json
    #[arg(required = true, value_name = "FILE")]
    reports: Vec<PathBuf>,

    /// Where to write the page
    #[arg(long, value_name = "FILE", default_value = "bench.html")]
    html: PathBuf,

    /// Where to write the table too, in Markdown
    #[arg(long, value_name = "FILE")]
    markdown: Option<PathBuf>,
}

impl Compare {
    /// Writes the page, and returns the table.
    pub(super) fn run(&self) -> Result<String, BenchError> {
        let runs = self.reports.iter().map(|path| read(path)).collect::<Result<Vec<Past>, BenchError>>()?;
        let text = table(&runs);
        write(&self.html, &page(&runs))?;
        if let Some(path) = &self.markdown {
            write(path, &text)?;
        }
        Ok(format!("{text}\nThe page is {}\n", self.html.display()))
    }
}

fn read(path: &Path) -> Result<Past, BenchError> {
    let absent = || DiskError::new(DiskOperation::Open, path, std::io::ErrorKind::NotFound.into());
    let bytes = read_file(&OsDisk, path, REPORT_BYTES_MAX)?.ok_or_else(absent)?;
    let failed = |error| BenchError::Report { path: path.to_owned(), error };
    let text = String::from_utf8(bytes).map_err(|_| failed(NotReport::NoHeader))?;
    let name = path.file_stem().unwrap_or_default().to_string_lossy();
    Past::parse(&name, &text).map_err(failed)
}

fn write(path: &Path, text: &str) -> Result<(), BenchError> {
    Ok(write_atomically(&OsDisk, path, text.as_bytes(), Permissions::Default)?)
}
