//! A bounded cache for things that are cheap to find again.

use std::borrow::Borrow;
use std::collections::HashMap;
use std::hash::Hash;
use std::mem;

/// A map that forgets what was not used lately, in two generations: when the young one is full it becomes the
/// old one, and the old one is dropped. What is found in the old one moves to the young one.
#[derive(Debug)]
pub(crate) struct Generations<K, V> {
    young: HashMap<K, V>,
    old: HashMap<K, V>,
    generation_len_max: usize,
}

impl<K: Hash + Eq + Clone, V: Clone> Generations<K, V> {
    /// A cache that holds at most `len_max` entries, at least 2.
    pub(crate) fn new(len_max: usize) -> Generations<K, V> {
        let generation_len_max = (len_max / 2).max(1);
        Generations { young: HashMap::new(), old: HashMap::new(), generation_len_max }
    }

    pub(crate) fn get<Q: Hash + Eq + ?Sized>(&mut self, key: &Q) -> Option<V>
    where
        K: Borrow<Q>,
    {
        if let Some(value) = self.young.get(key) {
            return Some(value.clone());
        }
        let (key, value) = self.old.remove_entry(key)?;
        self.insert(key, value.clone());
        Some(value)
    }

    pub(crate) fn insert(&mut self, key: K, value: V) {
        self.old.remove(&key);
        if self.young.len() >= self.generation_len_max && !self.young.contains_key(&key) {
            self.old = mem::take(&mut self.young);
        }
        self.young.insert(key, value);
    }

    /// Forgets an entry if `stale` says so of its value.
    pub(crate) fn remove_if(&mut self, key: &K, stale: impl Fn(&V) -> bool) {
        for generation in [&mut self.young, &mut self.old] {
            if generation.get(key).is_some_and(&stale) {
                generation.remove(key);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn what_is_used_stays_and_what_is_not_goes() {
        let mut cache = Generations::new(4);
        cache.insert("used", 0);
        for i in 0..100 {
            cache.insert("other", i);
            cache.insert(["a", "b", "c", "d", "e"][i % 5], i);
            assert_eq!(cache.get("used"), Some(0));
        }
        cache.insert("x", 1);
        cache.insert("y", 1);
        cache.insert("z", 1);
        cache.insert("w", 1);
        assert_eq!(cache.get("used"), None);
    }

    proptest! {
        #[test]
        fn it_is_bounded_and_never_returns_a_stale_value(
            max in 2usize..10,
            steps in proptest::collection::vec((0u8..3, 0u8..20, any::<u8>()), 0..200),
        ) {
            let mut cache = Generations::new(max);
            let mut model = HashMap::new();
            for (step, key, value) in steps {
                match step {
                    0 => { cache.insert(key, value); model.insert(key, value); }
                    1 => { cache.remove_if(&key, |_| true); model.remove(&key); }
                    _ => if let Some(found) = cache.get(&key) { prop_assert_eq!(Some(&found), model.get(&key)); },
                }
                prop_assert!(cache.young.len() + cache.old.len() <= max);
            }
        }
    }
}
