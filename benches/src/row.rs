//! A line of the table: what was measured, against what, and whether that meets its target.

use std::fmt::Write as _;

/// What a figure must be.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Target {
    /// This or more.
    AtLeast(f64),
    /// This or less.
    AtMost(f64),
    /// Exactly this.
    Exactly(f64),
    /// Nothing; it is told for its own sake.
    Told,
}

/// How a line ended.
#[derive(Clone, Debug, PartialEq)]
pub enum Verdict {
    /// The figure is what it must be.
    Met,
    /// It isn't.
    Missed,
    /// There is nothing that it must be.
    Told,
    /// It was not measured, and why.
    NotRun(String),
    /// The measurement went wrong, and how.
    Failed(String),
}

impl Target {
    /// Whether a figure meets it.
    pub fn verdict(self, figure: f64) -> Verdict {
        let met = match self {
            Target::AtLeast(bound) => figure >= bound,
            Target::AtMost(bound) => figure <= bound,
            Target::Exactly(bound) => (figure - bound).abs() < 1e-9,
            Target::Told => return Verdict::Told,
        };
        if met { Verdict::Met } else { Verdict::Missed }
    }
}

/// A unit that figures and bounds are written in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unit {
    /// So many times the floor.
    Times,
    /// Milliseconds.
    Millis,
    /// Seconds.
    Seconds,
    /// Mebibytes.
    Mebibytes,
    /// Whole things.
    Count,
    /// Things in a second of one core.
    PerCoreSecond,
}

/// A line of the table.
#[derive(Clone, Debug, PartialEq)]
pub struct Row {
    /// What is measured.
    pub what: String,
    /// What Esker did.
    pub measured: String,
    /// What the floor did in the same run.
    pub floor: String,
    /// The figure as it is written; empty if there is none.
    pub figure: String,
    /// The target as it is written.
    pub target: String,
    /// Whether the figure meets it.
    pub verdict: Verdict,
}

impl Row {
    /// A line with a figure.
    pub fn new(what: impl Into<String>, figure: f64, unit: Unit, target: Target) -> Row {
        Row {
            what: what.into(),
            measured: String::new(),
            floor: String::new(),
            figure: unit.written(figure),
            target: target.written(unit),
            verdict: if figure.is_finite() { target.verdict(figure) } else { Verdict::Missed },
        }
    }

    /// With what Esker did.
    #[must_use]
    pub fn measured(self, measured: impl Into<String>) -> Row {
        Row { measured: measured.into(), ..self }
    }

    /// With what the floor did.
    #[must_use]
    pub fn floor(self, floor: impl Into<String>) -> Row {
        Row { floor: floor.into(), ..self }
    }

    /// A line without a figure.
    pub fn without(what: impl Into<String>, verdict: Verdict) -> Row {
        let nothing = String::new;
        Row {
            what: what.into(),
            measured: nothing(),
            floor: nothing(),
            figure: nothing(),
            target: nothing(),
            verdict,
        }
    }
}

impl Target {
    fn written(self, unit: Unit) -> String {
        match self {
            Target::AtLeast(bound) => format!("≥ {}", unit.written(bound)),
            Target::AtMost(bound) => format!("≤ {}", unit.written(bound)),
            Target::Exactly(bound) => unit.written(bound),
            Target::Told => String::new(),
        }
    }
}

impl Unit {
    fn written(self, value: f64) -> String {
        match self {
            Unit::Times => format!("{value:.2} ×"),
            Unit::Millis => format!("{value:.3} ms"),
            Unit::Seconds => format!("{value:.1} s"),
            Unit::Mebibytes => format!("{value:.0} MiB"),
            Unit::Count => grouped(value),
            Unit::PerCoreSecond => format!("{}/s of a core", grouped(value)),
        }
    }
}

/// A number without fraction, its thousands parted by commas.
pub fn grouped(value: f64) -> String {
    let digits = format!("{value:.0}");
    let mut text = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && digit.is_ascii_digit() && (digits.len() - at).is_multiple_of(3) && !text.ends_with('-') {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// All lines as a Markdown table, those that miss their target in bold.
pub fn table(rows: &[Row]) -> String {
    let mut text =
        "| what | Esker | floor, same run | figure | target | |\n|---|---|---|---|---|---|\n".to_owned();
    for Row { what, measured, floor, figure, target, verdict } in rows {
        let verdict = match verdict {
            Verdict::Met => "met".to_owned(),
            Verdict::Missed => "**missed**".to_owned(),
            Verdict::Told => String::new(),
            Verdict::NotRun(why) => format!("not run: {why}"),
            Verdict::Failed(why) => format!("**failed**: {}", why.replace(['|', '\n'], " ")),
        };
        // Writing to a text can't fail.
        let _ = writeln!(text, "| {what} | {measured} | {floor} | {figure} | {target} | {verdict} |");
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bounds_belong_to_what_meets_them() {
        assert_eq!(Target::AtLeast(0.45).verdict(0.45), Verdict::Met);
        assert_eq!(Target::AtLeast(0.45).verdict(0.44), Verdict::Missed);
        assert_eq!(Target::AtMost(2.7).verdict(2.7), Verdict::Met);
        assert_eq!(Target::AtMost(2.7).verdict(2.71), Verdict::Missed);
        assert_eq!(Target::Exactly(1.0).verdict(2.0), Verdict::Missed);
        assert_eq!(Row::new("a", f64::NAN, Unit::Times, Target::AtLeast(1.0)).verdict, Verdict::Missed);
    }

    #[test]
    fn thousands_are_parted() {
        let written = [0.0, 999.0, 1000.0, 1_234_567.4, -1000.0].map(grouped);
        assert_eq!(written, ["0", "999", "1,000", "1,234,567", "-1,000"]);
    }

    #[test]
    fn a_table_marks_what_missed() {
        let row = Row::new("PUT", 0.4, Unit::Times, Target::AtLeast(0.45)).measured("4/s").floor("10/s");
        let rows = [row, Row::without("GET", Verdict::Failed("a|b\nc".to_owned()))];
        let lines: Vec<String> = table(&rows).lines().skip(2).map(str::to_owned).collect();
        assert_eq!(lines[0], "| PUT | 4/s | 10/s | 0.40 × | ≥ 0.45 × | **missed** |");
        assert_eq!(lines[1], "| GET |  |  |  |  | **failed**: a b c |");
    }
}
