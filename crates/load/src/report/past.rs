//! A report that was written, read again.

use super::lines::{End, FORMAT, Header, Line, Second};

/// A run, as its report tells it.
#[derive(Clone, Debug, PartialEq)]
pub struct Past {
    /// What it is called where runs are compared.
    pub name: String,
    /// The first line.
    pub header: Header,
    /// One for each second.
    pub seconds: Vec<Second>,
    /// The last line.
    pub end: End,
}

/// The text is no report that this version can read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotReport {
    /// A line is none of a report.
    #[error("line {line} is no line of a report: {why}")]
    Line {
        /// The line, from 1.
        line: usize,
        /// What is wrong.
        why: String,
    },
    /// It is of a format that is not known yet.
    #[error("it has format {0}, and this version knows formats up to {FORMAT}")]
    Newer(u32),
    /// It does not begin as a report.
    #[error("it has no header")]
    NoHeader,
    /// The run was killed, or goes on.
    #[error("it has no end: the run was killed, or goes on")]
    NoEnd,
}

impl Past {
    /// Reads a report.
    ///
    /// # Errors
    /// If it is none, or is not finished.
    pub fn parse(name: &str, text: &str) -> Result<Past, NotReport> {
        let (mut header, mut seconds, mut end) = (None, Vec::new(), None);
        for (number, text) in text.lines().enumerate().filter(|(_, text)| !text.trim().is_empty()) {
            check_format(text)?;
            let line = serde_json::from_str(text)
                .map_err(|error| NotReport::Line { line: number + 1, why: error.to_string() })?;
            match line {
                Line::Header(line) => header = Some(line),
                Line::Second(line) => seconds.push(line),
                Line::End(line) => end = Some(*line),
            }
        }
        let header = header.ok_or(NotReport::NoHeader)?;
        Ok(Past { name: name.to_owned(), header, seconds, end: end.ok_or(NotReport::NoEnd)? })
    }
}

/// A header of a later format may have anything else, so its number is read first.
fn check_format(text: &str) -> Result<(), NotReport> {
    let value: Option<serde_json::Value> = serde_json::from_str(text).ok();
    let format = value.and_then(|value| value["format"].as_u64());
    match format.and_then(|format| u32::try_from(format).ok()) {
        Some(format) if format > FORMAT => Err(NotReport::Newer(format)),
        _ => Ok(()),
    }
}
