//! Against the RFC's test suite, and against a library.

use super::{Feed, Md5, update_all};
use md5::Digest as _;
use proptest::prelude::*;

fn expected(bytes: &[u8]) -> [u8; 16] {
    md5::Md5::digest(bytes).into()
}

// RFC 1321, A.5
#[test]
fn the_test_suite_of_the_rfc() {
    let suite = [
        ("", "d41d8cd98f00b204e9800998ecf8427e"),
        ("a", "0cc175b9c0f1b6a831c399e269772661"),
        ("abc", "900150983cd24fb0d6963f7d28e17f72"),
        ("message digest", "f96b697d7cb7938d525a2f31aaf161d0"),
        ("abcdefghijklmnopqrstuvwxyz", "c3fcd3d76192e4007dfb496cca67e13b"),
        (
            "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789",
            "d174ab98d277d9f5a5611c2c9f419d9f",
        ),
        (
            "12345678901234567890123456789012345678901234567890123456789012345678901234567890",
            "57edf4a22be3c955ac49da2e2107b67a",
        ),
    ];
    for (text, digest) in suite {
        assert_eq!(hex::encode(Md5::of(text.as_bytes())), digest, "{text}");
    }
}

#[test]
fn every_length_around_the_blocks() {
    let bytes: Vec<u8> = (0..300u32).map(|n| (n * 7).to_le_bytes()[0]).collect();
    for length in 0..bytes.len() {
        assert_eq!(Md5::of(&bytes[..length]), expected(&bytes[..length]), "{length} bytes");
    }
}

/// Bodies, each as the pieces that it comes in.
fn bodies() -> impl Strategy<Value = Vec<Vec<Vec<u8>>>> {
    let piece = prop_oneof![
        proptest::collection::vec(any::<u8>(), 0..200),
        (0..40usize, any::<u8>()).prop_map(|(blocks, seed)| {
            (0..blocks * 64).map(|n| n.to_le_bytes()[0].wrapping_mul(seed)).collect()
        }),
    ];
    proptest::collection::vec(proptest::collection::vec(piece, 0..5), 0..20)
}

proptest! {
    #[test]
    fn bodies_side_by_side_are_digested_as_each_alone(bodies in bodies()) {
        let mut all: Vec<Md5> = bodies.iter().map(|_| Md5::default()).collect();
        let rounds = bodies.iter().map(Vec::len).max().unwrap_or(0);
        for round in 0..rounds {
            let mut feeds: Vec<Feed<'_>> = all
                .iter_mut()
                .zip(&bodies)
                .filter_map(|(md5, pieces)| Some(Feed { md5, bytes: pieces.get(round)? }))
                .collect();
            update_all(&mut feeds);
        }
        for (md5, pieces) in all.into_iter().zip(&bodies) {
            prop_assert_eq!(md5.finish(), expected(&pieces.concat()));
        }
    }
}
