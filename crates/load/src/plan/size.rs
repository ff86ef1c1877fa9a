//! Sizes of objects: fixed, from a range, log-normal, or any of these by weight.

use super::{Meaningless, spread, whole};
use esker_env::{Random, SeededRandom};
use std::fmt;
use std::str::FromStr;

/// A distribution of sizes, in bytes.
///
/// `4KiB`; `4KiB-1MiB`, each size as likely as any other; `lognormal:64KiB,1.5,16MiB`, a median, the standard deviation
/// of the logarithm, and the largest size; or several of the first two with weights: `4KiB:90,1MiB-2MiB:10`.
#[derive(Clone, Debug, PartialEq)]
pub struct Sizes {
    text: String,
    shape: Shape,
}

#[derive(Clone, Debug, PartialEq)]
enum Shape {
    Weighted(Vec<(Range, u32)>),
    LogNormal { median: u64, sigma: f64, max: u64 },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Range {
    min: u64,
    max: u64,
}

/// The largest object that one PutObject may make in S3.
pub const BYTES_MAX: u64 = 5 << 30;

impl Sizes {
    /// All objects of one size.
    pub fn fixed(bytes: u64) -> Sizes {
        let range = Range { min: bytes, max: bytes };
        Sizes { text: bytes.to_string(), shape: Shape::Weighted(vec![(range, 1)]) }
    }

    /// Draws a size.
    pub fn draw(&self, random: &dyn Random) -> u64 {
        match &self.shape {
            Shape::Weighted(parts) => {
                let total: u64 = parts.iter().map(|(_, weight)| u64::from(*weight)).sum();
                let mut rest = if parts.len() > 1 { random.below(total) } else { 0 };
                for (range, weight) in parts {
                    match rest.checked_sub(u64::from(*weight)) {
                        Some(left) => rest = left,
                        None => return range.draw(random),
                    }
                }
                unreachable!("the rest began below the sum of all weights")
            }
            Shape::LogNormal { median, sigma, max } => {
                let factor = (sigma * normal(random)).exp();
                whole(*median as f64 * factor).min(*max)
            }
        }
    }

    /// The size of the object that a seed and a number name: always the same, so that nobody needs to remember it.
    pub fn of(&self, seed: u64, number: u64) -> u64 {
        match self.fixed_size() {
            Some(size) => size,
            None => self.draw(&SeededRandom::new(spread(seed) ^ spread(!number))),
        }
    }

    /// The size of all objects, if they have the same.
    pub fn fixed_size(&self) -> Option<u64> {
        match &self.shape {
            Shape::Weighted(parts) if parts.len() == 1 && parts[0].0.min == parts[0].0.max => {
                Some(parts[0].0.min)
            }
            _ => None,
        }
    }
}

impl Range {
    fn draw(self, random: &dyn Random) -> u64 {
        if self.min == self.max { self.min } else { self.min + random.below(self.max - self.min + 1) }
    }
}

/// A number of the standard normal distribution (Box and Muller, 1958).
fn normal(random: &dyn Random) -> f64 {
    // 53 bits, and never 0, whose logarithm doesn't exist.
    let unit = || ((random.u64() >> 11) + 1) as f64 / (1u64 << 53) as f64;
    (-2.0 * unit().ln()).sqrt() * (std::f64::consts::TAU * unit()).cos()
}

impl fmt::Display for Sizes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl FromStr for Sizes {
    type Err = Meaningless;

    fn from_str(text: &str) -> Result<Sizes, Meaningless> {
        let shape = match text.strip_prefix("lognormal:") {
            Some(rest) => log_normal(text, rest)?,
            None => weighted(text)?,
        };
        Ok(Sizes { text: text.to_owned(), shape })
    }
}

fn log_normal(text: &str, rest: &str) -> Result<Shape, Meaningless> {
    let wrong = |why: &str| Meaningless::new(text, "distribution of sizes", why);
    let parts: Vec<&str> = rest.split(',').map(str::trim).collect();
    let [median, sigma, max] = parts[..] else {
        return Err(wrong("a log-normal one is lognormal:MEDIAN,SIGMA,MAX"));
    };
    let sigma: f64 = sigma.parse().map_err(|_| wrong("SIGMA is no number"))?;
    if !(0.0..=10.0).contains(&sigma) {
        return Err(wrong("SIGMA is from 0 to 10"));
    }
    let (median, max) = (parse_size(median)?, parse_size(max)?);
    if median == 0 || median > max {
        return Err(wrong("MEDIAN is above 0 and not above MAX"));
    }
    Ok(Shape::LogNormal { median, sigma, max })
}

fn weighted(text: &str) -> Result<Shape, Meaningless> {
    let wrong = |why: &str| Meaningless::new(text, "distribution of sizes", why);
    let mut parts = Vec::new();
    for part in text.split(',') {
        let (range, weight) = match part.split_once(':') {
            Some((range, weight)) => {
                (range, weight.trim().parse().map_err(|_| wrong("a weight is no number"))?)
            }
            None => (part, 1),
        };
        let (min, max) = range.split_once('-').unwrap_or((range, range));
        let range = Range { min: parse_size(min)?, max: parse_size(max)? };
        if range.min > range.max {
            return Err(wrong("a range ends before it begins"));
        }
        parts.push((range, weight));
    }
    if parts.iter().all(|(_, weight)| *weight == 0) {
        return Err(wrong("all weights are 0"));
    }
    Ok(Shape::Weighted(parts))
}

/// Parses a number of bytes: `512`, `4KiB`, `1MB`. A bare `K`, `M` or `G` counts by 1024.
///
/// # Errors
/// If it is no such text.
pub fn parse_bytes(text: &str) -> Result<u64, Meaningless> {
    let wrong = |why: &str| Meaningless::new(text, "size", why);
    let trimmed = text.trim();
    let end = trimmed.find(|c: char| !c.is_ascii_digit()).unwrap_or(trimmed.len());
    let (digits, unit) = trimmed.split_at(end);
    let number: u64 = digits.parse().map_err(|_| wrong("it begins with no number"))?;
    let factor = match unit.trim() {
        "" | "B" => 1,
        "KiB" | "K" => 1 << 10,
        "MiB" | "M" => 1 << 20,
        "GiB" | "G" => 1 << 30,
        "kB" | "KB" => 1_000,
        "MB" => 1_000_000,
        "GB" => 1_000_000_000,
        _ => return Err(wrong("its unit is none of B, KiB, MiB, GiB, kB, MB, GB")),
    };
    number.checked_mul(factor).ok_or_else(|| wrong("it is too large"))
}

/// The size of an object.
fn parse_size(text: &str) -> Result<u64, Meaningless> {
    let bytes = parse_bytes(text)?;
    if bytes > BYTES_MAX {
        return Err(Meaningless::new(text, "size", "one PutObject makes at most 5 GiB"));
    }
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn sizes(text: &str) -> Sizes {
        text.parse().unwrap_or_else(|error| panic!("{error}"))
    }

    #[test]
    fn units_are_binary_or_decimal_as_written() {
        let bytes = |text| parse_bytes(text).ok();
        assert_eq!(bytes("0"), Some(0));
        assert_eq!(bytes(" 4 KiB "), Some(4096));
        assert_eq!(bytes("4kB"), Some(4000));
        assert_eq!(bytes("5GiB"), Some(BYTES_MAX));
        for text in ["", "KiB", "-1", "1.5MiB", "1XB", "99999999999999999999"] {
            assert_eq!(bytes(text), None, "{text}");
        }
    }

    #[test]
    fn what_is_no_distribution_is_refused() {
        for text in [
            "",
            "2KiB-1KiB",
            "1KiB:0",
            "1KiB:x",
            "lognormal:1KiB",
            "lognormal:0,1,1KiB",
            "lognormal:2KiB,1,1KiB",
            "lognormal:1KiB,nan,2KiB",
            "1KiB,,2KiB",
            "6GiB",
        ] {
            assert!(text.parse::<Sizes>().is_err(), "{text}");
        }
    }

    #[test]
    fn weights_are_kept() {
        let random = SeededRandom::new(1);
        let sizes = sizes("4KiB:90,1MiB:10");
        let large = (0..10_000).filter(|_| sizes.draw(&random) == 1 << 20).count();
        assert!((800..1_200).contains(&large), "{large}");
    }

    #[test]
    fn half_of_a_log_normal_distribution_is_below_its_median() {
        let random = SeededRandom::new(2);
        let sizes = sizes("lognormal:64KiB,1.5,16MiB");
        let drawn: Vec<u64> = (0..10_000).map(|_| sizes.draw(&random)).collect();
        let below = drawn.iter().filter(|size| **size < 64 << 10).count();
        assert!((4_700..5_300).contains(&below), "{below}");
        assert!(drawn.iter().all(|size| *size <= 16 << 20));
        // One standard deviation above the median lies 84.1 % of all.
        let one_sigma = whole(65_536.0 * 1.5f64.exp());
        let below = drawn.iter().filter(|size| **size < one_sigma).count();
        assert!((8_200..8_620).contains(&below), "{below}");
    }

    proptest! {
        #[test]
        fn a_range_is_kept_and_a_number_names_one_size(min in 0u64..5_000, more in 0u64..5_000, seed: u64, n: u64) {
            let sizes = sizes(&format!("{min}-{}", min + more));
            let size = sizes.of(seed, n);
            prop_assert!((min..=min + more).contains(&size));
            prop_assert_eq!(size, sizes.of(seed, n));
        }

        #[test]
        fn parsing_never_panics(text in "[0-9a-zA-Z:,.\\- ]{0,30}") {
            if let Ok(sizes) = text.parse::<Sizes>() {
                prop_assert!(sizes.draw(&SeededRandom::new(7)) <= BYTES_MAX);
            }
        }
    }
}
