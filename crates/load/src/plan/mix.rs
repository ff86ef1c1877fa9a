//! A mix of operations by weight: `get:60,put:25,head:10,delete:5`.

use super::{Kind, Meaningless};
use std::fmt;
use std::str::FromStr;

/// What a mix may have: operations on one object that can be begun in any state of the bucket.
const MIXABLE: [Kind; 6] = [Kind::Put, Kind::Get, Kind::RangeGet, Kind::Head, Kind::Delete, Kind::List];

/// Operations and their weights; at least one weight is above zero.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mix {
    weights: Vec<(Kind, u32)>,
}

impl Mix {
    /// The operation for a number that is equally likely to be any.
    pub fn choose(&self, draw: u64) -> Kind {
        let total: u64 = self.weights.iter().map(|(_, weight)| u64::from(*weight)).sum();
        let product = u128::from(draw) * u128::from(total);
        let mut rest = u64::try_from(product >> 64).unwrap_or_default();
        for (kind, weight) in &self.weights {
            match rest.checked_sub(u64::from(*weight)) {
                Some(left) => rest = left,
                None => return *kind,
            }
        }
        unreachable!("the rest began below the sum of all weights")
    }
}

impl Default for Mix {
    fn default() -> Mix {
        Mix { weights: vec![(Kind::Get, 60), (Kind::Put, 25), (Kind::Head, 10), (Kind::Delete, 5)] }
    }
}

impl FromStr for Mix {
    type Err = Meaningless;

    fn from_str(text: &str) -> Result<Mix, Meaningless> {
        let wrong = |why: String| Meaningless::new(text, "mix", why);
        let mut weights: Vec<(Kind, u32)> = Vec::new();
        for part in text.split(',') {
            let (name, weight) =
                part.split_once(':').ok_or_else(|| wrong(format!("{part:?} has no weight")))?;
            let kind: Kind = name.trim().parse().map_err(|error| wrong(format!("{error}")))?;
            if !MIXABLE.contains(&kind) {
                return Err(wrong(format!("{kind} can't be mixed")));
            }
            if weights.iter().any(|(other, _)| *other == kind) {
                return Err(wrong(format!("{kind} comes twice")));
            }
            let weight = weight.trim().parse();
            weights.push((kind, weight.map_err(|_| wrong(format!("the weight of {kind} is no number")))?));
        }
        if weights.iter().all(|(_, weight)| *weight == 0) {
            return Err(wrong("all weights are 0".to_owned()));
        }
        Ok(Mix { weights })
    }
}

impl fmt::Display for Mix {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let parts: Vec<String> =
            self.weights.iter().map(|(kind, weight)| format!("{kind}:{weight}")).collect();
        f.write_str(&parts.join(","))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn what_is_no_mix_is_refused_with_a_reason() {
        for text in ["", "get", "get:x", "get:0", "get:1,get:2", "multipart:1", "fly:1", "get:-1"] {
            assert!(text.parse::<Mix>().is_err(), "{text}");
        }
    }

    proptest! {
        #[test]
        fn shares_follow_weights(get in 0u32..100, put in 1u32..100, head in 0u32..100) {
            let text = format!("get:{get},put:{put},head:{head}");
            let mix: Mix = text.parse().expect("a mix");
            prop_assert_eq!(mix.to_string(), text);
            // Draws at equal distances over the whole range stand for all of them.
            let draws = 10_000u64;
            let mut counts = [0u32; 3];
            for draw in 0..draws {
                match mix.choose(draw * (u64::MAX / draws)) {
                    Kind::Get => counts[0] += 1,
                    Kind::Put => counts[1] += 1,
                    Kind::Head => counts[2] += 1,
                    other => prop_assert!(false, "{other}"),
                }
            }
            let total = f64::from(get + put + head);
            for (count, weight) in counts.iter().zip([get, put, head]) {
                let expected = f64::from(weight) / total * 10_000.0;
                prop_assert!((f64::from(*count) - expected).abs() <= 2.0, "{:?}", counts);
            }
        }
    }
}
