//! A page about one run, or several side by side. It holds all that it needs, and no script.

use super::chart::COLOURS;
use super::charts::{over_time, percentiles};
use super::escape;
use super::past::Past;
use super::rows::{COLUMNS, remarks, rows};
use crate::plan::Kind;
use std::collections::BTreeSet;

const STYLE: &str = include_str!("page.css");

/// The page.
pub fn page(runs: &[Past]) -> String {
    let names: Vec<String> = runs.iter().map(|run| run.name.clone()).collect();
    let title = escape(&format!("esker bench: {}", names.join(", ")));
    let mut html = format!(
        "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width\">\n<title>{title}</title>\n<style>\n{STYLE}{}</style>\n\
         </head>\n<body>\n<h1>{title}</h1>\n",
        colours()
    );
    html.push_str(&legend(runs));
    html.push_str(&results(runs));
    let kinds: BTreeSet<Kind> = runs.iter().flat_map(|run| run.end.kinds.keys().copied()).collect();
    for kind in kinds {
        html.push_str(&format!("<h2>{kind}</h2>\n<div class=\"charts\">\n"));
        for chart in [percentiles(runs, kind)].into_iter().chain(over_time(runs, kind)) {
            html.push_str(&chart.svg());
            html.push('\n');
        }
        html.push_str("</div>\n");
    }
    html.push_str(&settings(runs));
    html.push_str("</body>\n</html>\n");
    html
}

/// The rules that give lines their colours.
fn colours() -> String {
    let rule = |n| {
        format!(
            "polyline.s{n} {{ stroke: var(--s{n}); }} circle.s{n} {{ fill: var(--s{n}); }} .legend .s{n} {{ background: var(--s{n}); }}\n"
        )
    };
    (0..COLOURS).map(rule).collect()
}

fn legend(runs: &[Past]) -> String {
    let item = |(number, run): (usize, &Past)| {
        let Past { name, header, .. } = run;
        let what =
            format!("{name}: {} at {}, {}", header.workload, header.endpoints.join(", "), header.started);
        format!("<li><i class=\"s{}\"></i>{}</li>\n", number % COLOURS, escape(&what))
    };
    let items: String = runs.iter().enumerate().map(item).collect();
    format!("<ul class=\"legend\">\n{items}</ul>\n")
}

fn results(runs: &[Past]) -> String {
    let ends: Vec<_> = runs.iter().map(|run| (run.name.as_str(), &run.end)).collect();
    let class = |column: usize| if column < 2 { "" } else { " class=\"n\"" };
    let cells = |tag: &str, cells: &[String]| -> String {
        let cell =
            |(column, text): (usize, &String)| format!("<{tag}{}>{}</{tag}>", class(column), escape(text));
        let cells: String = cells.iter().enumerate().map(cell).collect();
        format!("<tr>{cells}</tr>\n")
    };
    let head = cells("th", &COLUMNS.map(str::to_owned));
    let body: String = rows(&ends).iter().map(|row| cells("td", row)).collect();
    let remarks = runs.iter().flat_map(|run| remarks(&run.name, &run.end));
    let remarks: String = remarks.map(|remark| format!("<li>{}</li>\n", escape(&remark))).collect();
    format!(
        "<h2>Results</h2>\n<div class=\"wide\"><table>\n{head}{body}</table></div>\n<ul>\n{remarks}</ul>\n"
    )
}

fn settings(runs: &[Past]) -> String {
    let shown: Vec<_> = runs.iter().map(described).collect();
    let names: BTreeSet<&String> =
        shown.iter().flat_map(|settings| settings.iter().map(|(name, _)| name)).collect();
    let value = |settings: &Vec<(String, String)>, name: &String| {
        let found = settings.iter().find(|(n, _)| n == name).map_or("–", |(_, value)| value);
        format!("<td>{}</td>", escape(found))
    };
    let row = |name: &&String| {
        let values: String = shown.iter().map(|settings| value(settings, name)).collect();
        format!("<tr><th>{}</th>{values}</tr>\n", escape(name))
    };
    let head: String = runs.iter().map(|run| format!("<th>{}</th>", escape(&run.name))).collect();
    let body: String = names.iter().map(row).collect();
    format!(
        "<h2>Settings</h2>\n<div class=\"wide\"><table>\n<tr><th></th>{head}</tr>\n{body}</table></div>\n"
    )
}

/// What a run was, by name.
fn described(run: &Past) -> Vec<(String, String)> {
    let header = &run.header;
    let mut described: Vec<(String, String)> =
        header.settings.iter().map(|(name, value)| (name.clone(), value.clone())).collect();
    let machine = format!("{} cores, {}", header.machine.cores, header.machine.kernel);
    let more = [
        ("workload", header.workload.clone()),
        ("endpoints", header.endpoints.join(", ")),
        ("machine of the harness", machine),
        ("version of the harness", header.version.clone()),
    ];
    described.extend(more.map(|(name, value)| (name.to_owned(), value)));
    described
}
