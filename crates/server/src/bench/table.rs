//! A load's result on a terminal.

use comfy_table::{CellAlignment, Table, presets::NOTHING};
use esker_load::report::{COLUMNS, End, remarks, rows};

/// The result.
pub(super) fn of(name: &str, end: &End) -> String {
    let mut table = Table::new();
    table.load_preset(NOTHING);
    // One run has one name: the column of names says nothing.
    let shown = |cells: &[String; 10]| -> Vec<String> {
        let cells = cells.iter().enumerate().filter(|(column, _)| *column != 1);
        cells.map(|(_, cell)| cell.clone()).collect()
    };
    table.set_header(shown(&COLUMNS.map(str::to_owned)));
    for row in rows(&[(name, end)]) {
        table.add_row(shown(&row));
    }
    for column in table.column_iter_mut().skip(1) {
        column.set_cell_alignment(CellAlignment::Right);
    }
    let mut text = format!("{table}\n\n");
    for remark in remarks(name, end) {
        text.push_str(&remark);
        text.push('\n');
    }
    text
}
