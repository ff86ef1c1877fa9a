//! The order of row keys.

use super::*;
use proptest::prelude::*;

fn object_key() -> impl Strategy<Value = Vec<u8>> {
    prop::collection::vec(prop_oneof![Just(0u8), Just(1), Just(0xfe), Just(0xff), any::<u8>()], 0..6)
}

proptest! {
    #[test]
    fn version_rows_sort_by_key_then_newest_first(a in object_key(), b in object_key(), s: u64, t: u64) {
        let id = BucketId(7);
        let row = version(id, &a, Sequence(s));
        prop_assert_eq!(split_version(&row), Some((a.clone(), Sequence(s))));
        let by_value = a.cmp(&b).then(t.cmp(&s));
        prop_assert_eq!(row.cmp(&version(id, &b, Sequence(t))), by_value);
    }

    #[test]
    fn a_keys_rows_are_one_contiguous_range(a in object_key(), b in object_key(), s: u64) {
        let start = key_versions(BucketId(7), &a);
        let row = version(BucketId(7), &b, Sequence(s));
        prop_assert_eq!(start <= row && row < prefix_end(&start), a == b);
    }

    #[test]
    fn versions_from_splits_keys_at_the_text(text in object_key(), key in object_key(), s: u64) {
        let row = version(BucketId(7), &key, Sequence(s));
        prop_assert_eq!(row >= versions_from(BucketId(7), &text), key >= text);
    }
}
