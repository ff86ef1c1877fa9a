//! Charts of lines, as SVG that takes its colours from the page around it.

use super::escape;

/// A chart.
pub(super) struct Chart {
    pub(super) title: String,
    pub(super) x: Axis,
    pub(super) y: Axis,
    pub(super) lines: Vec<Series>,
}

/// An axis. Values are where they stand on it: those of a logarithmic one are logarithms.
pub(super) struct Axis {
    label: String,
    min: f64,
    max: f64,
    ticks: Vec<(f64, String)>,
}

/// A line.
pub(super) struct Series {
    pub(super) name: String,
    /// Which colour it has.
    pub(super) colour: usize,
    pub(super) points: Vec<(f64, f64)>,
}

/// Colours that the page defines.
pub(super) const COLOURS: usize = 8;

const WIDTH: f64 = 640.0;
const HEIGHT: f64 = 300.0;
const LEFT: f64 = 66.0;
const RIGHT: f64 = 16.0;
const TOP: f64 = 34.0;
const BOTTOM: f64 = 44.0;
/// More points than this are not marked one by one.
const MARKED_MAX: usize = 60;

impl Axis {
    /// From 0 to at least `max`, with ticks at round numbers.
    pub(super) fn linear(label: &str, max: f64, show: impl Fn(f64) -> String) -> Axis {
        let max = if max.is_finite() && max > 0.0 { max } else { 1.0 };
        let rough = max / 4.0;
        let unit = 10f64.powf(rough.log10().floor());
        let step = [1.0, 2.0, 5.0, 10.0].map(|factor| factor * unit).into_iter().find(|step| *step >= rough);
        let step = step.unwrap_or(rough);
        let count = (max / step).ceil();
        let mut ticks = Vec::new();
        let mut tick = 0.0;
        while tick <= count {
            ticks.push((tick * step, show(tick * step)));
            tick += 1.0;
        }
        Axis { label: label.to_owned(), min: 0.0, max: count * step, ticks }
    }

    /// Logarithmic, over whole decades that hold all of `min` to `max`.
    pub(super) fn decades(label: &str, min: f64, max: f64, show: impl Fn(f64) -> String) -> Axis {
        let low = min.max(1e-9).log10().floor();
        let high = max.max(1e-9).log10().ceil().max(low + 1.0);
        let mut ticks = Vec::new();
        let mut tick = low;
        while tick <= high {
            ticks.push((tick, show(10f64.powf(tick))));
            tick += 1.0;
        }
        Axis { label: label.to_owned(), min: low, max: high, ticks }
    }

    /// Shares of all requests up to `nines` nines: 90 % stands at 1, 99 % at 2.
    pub(super) fn nines(label: &str, nines: f64) -> Axis {
        let names = ["0 %", "90 %", "99 %", "99.9 %", "99.99 %", "99.999 %", "99.9999 %"];
        let max = nines.max(1.0).min(names.len() as f64);
        let mut ticks = vec![(2f64.log10(), "50 %".to_owned())];
        ticks.extend((0..names.len()).map(|n| n as f64).zip(names.map(str::to_owned)));
        ticks.retain(|(at, _)| *at <= max);
        Axis { label: label.to_owned(), min: 0.0, max, ticks }
    }

    fn at(&self, value: f64, from: f64, to: f64) -> f64 {
        let share = (value.clamp(self.min, self.max) - self.min) / (self.max - self.min);
        from + share * (to - from)
    }
}

impl Chart {
    /// The picture.
    pub(super) fn svg(&self) -> String {
        let title = escape(&self.title);
        let mut svg = format!(
            "<svg viewBox=\"0 0 {WIDTH} {HEIGHT}\" role=\"img\" aria-label=\"{title}\">\
             <text class=\"title\" x=\"{LEFT}\" y=\"18\">{title}</text>"
        );
        self.grid(&mut svg);
        for line in &self.lines {
            self.line(&mut svg, line);
        }
        svg.push_str("</svg>");
        svg
    }

    fn x(&self, value: f64) -> f64 {
        self.x.at(value, LEFT, WIDTH - RIGHT)
    }

    fn y(&self, value: f64) -> f64 {
        self.y.at(value, HEIGHT - BOTTOM, TOP)
    }

    fn grid(&self, svg: &mut String) {
        let (right, bottom) = (WIDTH - RIGHT, HEIGHT - BOTTOM);
        for (value, text) in &self.y.ticks {
            let (y, text) = (self.y(*value), escape(text));
            svg.push_str(&format!(
                "<line class=\"grid\" x1=\"{LEFT}\" y1=\"{y:.1}\" x2=\"{right}\" y2=\"{y:.1}\"/>\
                 <text class=\"tick\" x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"end\">{text}</text>",
                LEFT - 6.0,
                y + 3.5
            ));
        }
        for (value, text) in &self.x.ticks {
            let (x, text) = (self.x(*value), escape(text));
            svg.push_str(&format!(
                "<line class=\"grid\" x1=\"{x:.1}\" y1=\"{TOP}\" x2=\"{x:.1}\" y2=\"{bottom}\"/>\
                 <text class=\"tick\" x=\"{x:.1}\" y=\"{:.1}\" text-anchor=\"middle\">{text}</text>",
                bottom + 15.0
            ));
        }
        let (x, y) = ((LEFT + right) / 2.0, HEIGHT - 8.0);
        let (label, scale) = (escape(&self.x.label), escape(&self.y.label));
        svg.push_str(&format!(
            "<text class=\"label\" x=\"{x}\" y=\"{y}\" text-anchor=\"middle\">{label}</text>\
             <text class=\"label\" x=\"{right}\" y=\"18\" text-anchor=\"end\">{scale}</text>"
        ));
    }

    fn line(&self, svg: &mut String, line: &Series) {
        let colour = line.colour % COLOURS;
        // Lines beyond the colours are told apart by dashes.
        let dashes = if line.colour < COLOURS { "" } else { " stroke-dasharray=\"6 3\"" };
        let points: Vec<(f64, f64)> = line.points.iter().map(|(x, y)| (self.x(*x), self.y(*y))).collect();
        let path: Vec<String> = points.iter().map(|(x, y)| format!("{x:.1},{y:.1}")).collect();
        let name = escape(&line.name);
        svg.push_str(&format!(
            "<polyline class=\"s s{colour}\"{dashes} points=\"{}\"><title>{name}</title></polyline>",
            path.join(" ")
        ));
        if points.len() <= MARKED_MAX {
            for (x, y) in points {
                svg.push_str(&format!(
                    "<circle class=\"s{colour}\" cx=\"{x:.1}\" cy=\"{y:.1}\" r=\"2\"><title>{name}</title></circle>"
                ));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn ticks_are_round() {
        let ticks = |max| {
            Axis::linear("", max, |v| v.to_string()).ticks.into_iter().map(|(_, t)| t).collect::<Vec<_>>()
        };
        assert_eq!(ticks(10.0), ["0", "5", "10"]);
        assert_eq!(ticks(3.7), ["0", "1", "2", "3", "4"]);
        assert_eq!(ticks(0.0), ["0", "0.5", "1"]);
        let decades = Axis::decades("", 150.0, 20_000.0, |v| format!("{v:.0}"));
        assert_eq!((decades.min, decades.max), (2.0, 5.0));
    }

    proptest! {
        #[test]
        fn every_point_is_within_the_picture(points in prop::collection::vec((0.0..1e6f64, 0.0..1e9f64), 0..80), name: String) {
            let max = |of: fn(&(f64, f64)) -> f64| points.iter().map(of).fold(0.0, f64::max);
            let chart = Chart {
                title: name.clone(),
                x: Axis::linear("s", max(|p| p.0), |v| v.to_string()),
                y: Axis::linear("n", max(|p| p.1), |v| v.to_string()),
                lines: vec![Series { name, colour: 9, points: points.clone() }],
            };
            for (x, y) in &points {
                prop_assert!((LEFT..=WIDTH - RIGHT).contains(&chart.x(*x)));
                prop_assert!((TOP..=HEIGHT - BOTTOM).contains(&chart.y(*y)));
            }
            let svg = chart.svg();
            prop_assert!(svg.starts_with("<svg") && svg.ends_with("</svg>") && !svg.contains("NaN"));
        }
    }
}
