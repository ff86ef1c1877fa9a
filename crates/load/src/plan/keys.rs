//! Names of keys. All begin with a prefix of the run's own, so that clearing up touches nothing else.

use super::spread;

/// The keys of a run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeySpace {
    prefix: String,
}

impl KeySpace {
    /// Below a prefix, which ends in `/`.
    pub fn new(prefix: &str) -> KeySpace {
        KeySpace { prefix: prefix.to_owned() }
    }

    /// What all keys begin with.
    pub fn prefix(&self) -> &str {
        &self.prefix
    }

    /// What the keys of prepared objects begin with.
    pub fn prepared_prefix(&self) -> String {
        format!("{}o/", self.prefix)
    }

    /// A prepared object's key. Neighbours in number lie apart in name, as keys of real loads do.
    pub fn prepared(&self, number: u64) -> String {
        format!("{}o/{:02x}/{number:012}", self.prefix, spread(number) & 0xff)
    }

    /// The key of an object that a worker makes, by a sequence of its own.
    pub fn written(&self, worker: usize, sequence: u64) -> String {
        format!("{}w/{:02x}/{worker:04}-{sequence:012}", self.prefix, spread(sequence) & 0xff)
    }

    /// The key that all workers overwrite.
    pub fn contended(&self) -> String {
        format!("{}one", self.prefix)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn names_are_as_they_always_were() {
        let keys = KeySpace::new("run/");
        assert_eq!(keys.prepared(7), "run/o/d7/000000000007");
        assert_eq!(keys.written(3, 7), "run/w/d7/0003-000000000007");
        assert_eq!(keys.contended(), "run/one");
    }

    proptest! {
        #[test]
        fn every_object_has_a_key_of_its_own(a in 0u64..100_000, b in 0u64..100_000, w in 0usize..9_999, v in 0usize..9_999) {
            let keys = KeySpace::new("p/");
            prop_assert_eq!(keys.prepared(a) == keys.prepared(b), a == b);
            prop_assert_eq!(keys.written(w, a) == keys.written(v, b), (w, a) == (v, b));
            prop_assert!(keys.prepared(a).starts_with(&keys.prepared_prefix()));
            prop_assert!(keys.written(w, a).starts_with(keys.prefix()));
        }
    }
}
