//! Runs side by side, in Markdown.

use super::past::Past;
use super::rows::{COLUMNS, remarks, rows};

/// A table of all runs, and what it does not say.
pub fn table(runs: &[Past]) -> String {
    let ends: Vec<_> = runs.iter().map(|run| (run.name.as_str(), &run.end)).collect();
    let mut text = line(&COLUMNS.map(str::to_owned));
    // Numbers stand to the right.
    text.push_str(&line(&std::array::from_fn::<String, 10, _>(|column| {
        if column < 2 { "---".to_owned() } else { "---:".to_owned() }
    })));
    for row in rows(&ends) {
        text.push_str(&line(&row));
    }
    text.push('\n');
    for run in runs {
        let Past { name, header, .. } = run;
        let endpoints = header.endpoints.join(", ");
        text.push_str(&item(&format!("{name}: {} at {endpoints}, {}.", header.workload, header.started)));
        text.extend(remarks(name, &run.end).iter().map(|remark| item(remark)));
    }
    text
}

fn line(cells: &[String; 10]) -> String {
    format!("| {} |\n", cells.each_ref().map(|cell| plain(cell)).join(" | "))
}

fn item(text: &str) -> String {
    format!("- {}\n", plain(text))
}

/// Text that Markdown takes as it is.
fn plain(text: &str) -> String {
    let mut plain = String::new();
    for c in text.chars() {
        match c {
            '|' | '\\' | '`' | '*' | '_' | '[' | ']' | '<' | '>' | '#' => plain.extend(['\\', c]),
            c if c.is_control() => plain.push(' '),
            c => plain.push(c),
        }
    }
    plain
}
