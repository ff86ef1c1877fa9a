//! The root account's keys: given, derived from the cluster's secret, or generated at the first start and kept in the
//! data directory.
//!
//! All nodes of a cluster must have the same, and generated ones could not be; so a node with peers derives them.

use crate::settings::RootKeys;
use esker_env::{Disk, DiskError, Permissions, Random, read_file, write_atomically};
use hmac::{Hmac, KeyInit as _, Mac as _};
use serde::{Deserialize, Serialize};
use sha2::Sha256;
use std::path::{Path, PathBuf};

const FILE: &str = "root-keys.toml";
const FILE_BYTES_MAX: u64 = 4096;

/// Where the keys came from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Source {
    /// The settings.
    Given,
    /// The data directory.
    Kept,
    /// Made just now.
    Generated,
    /// The cluster's secret.
    Derived,
}

/// Why there are no root keys.
#[derive(Debug, thiserror::Error)]
pub(crate) enum RootError {
    #[error(transparent)]
    Disk(#[from] DiskError),
    #[error("{} can't be used: {what}", path.display())]
    File { path: PathBuf, what: String },
}

#[derive(Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
struct Stored {
    access_key: String,
    secret_key: String,
}

/// The path of the file that keeps generated keys.
pub(crate) fn path(data_dir: &Path) -> PathBuf {
    data_dir.join(FILE)
}

/// The keys to use. `secret` is the cluster's, for a node that has peers.
pub(crate) fn keys(
    given: Option<RootKeys>,
    secret: Option<&str>,
    disk: &dyn Disk,
    data_dir: &Path,
    random: &dyn Random,
) -> Result<(RootKeys, Source), RootError> {
    if let Some(keys) = given {
        return Ok((keys, Source::Given));
    }
    let path = path(data_dir);
    let unusable = |what: String| RootError::File { path: path.clone(), what };
    if let Some(bytes) = read_file(disk, &path, FILE_BYTES_MAX)? {
        let text = String::from_utf8(bytes).map_err(|error| unusable(error.to_string()))?;
        let Stored { access_key, secret_key } =
            toml::from_str(&text).map_err(|error| unusable(error.to_string()))?;
        if secret.is_some() {
            tracing::warn!(
                "this node made its own root keys before it had peers: give the others the same \
                 (ESKER_ROOT_ACCESS_KEY, ESKER_ROOT_SECRET_KEY)"
            );
        }
        return Ok((RootKeys { access_key, secret_key }, Source::Kept));
    }
    if let Some(secret) = secret {
        return Ok((derived(secret), Source::Derived));
    }
    let mut bytes = [0; ACCESS_CHARS + SECRET_CHARS];
    random.fill(&mut bytes);
    let (access, secret) = bytes.split_at(ACCESS_CHARS);
    let keys = RootKeys { access_key: text_of(access, BASE32), secret_key: text_of(secret, BASE64) };
    let stored = Stored { access_key: keys.access_key.clone(), secret_key: keys.secret_key.clone() };
    let text = toml::to_string(&stored).map_err(|error| unusable(error.to_string()))?;
    write_atomically(disk, &path, text.as_bytes(), Permissions::OwnerOnly)?;
    Ok((keys, Source::Generated))
}

/// The keys that follow from a cluster's secret. Nodes of all versions must agree about them.
fn derived(secret: &str) -> RootKeys {
    let block = |label: &str| -> [u8; 32] {
        let mut mac =
            Hmac::<Sha256>::new_from_slice(secret.as_bytes()).expect("HMAC takes keys of any length");
        mac.update(label.as_bytes());
        mac.finalize().into_bytes().into()
    };
    let access = block("esker/1 root access key");
    let secret = [block("esker/1 root secret key 1"), block("esker/1 root secret key 2")].concat();
    RootKeys {
        access_key: text_of(&access[..ACCESS_CHARS], BASE32),
        secret_key: text_of(&secret[..SECRET_CHARS], BASE64),
    }
}

const ACCESS_CHARS: usize = 20;
const SECRET_CHARS: usize = 40;
const BASE32: &[u8; 32] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
const BASE64: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

/// A character of an alphabet for each byte. The alphabets have 32 or 64 characters, so a byte's remainder is as
/// random as the byte.
fn text_of(bytes: &[u8], alphabet: &[u8]) -> String {
    bytes.iter().map(|byte| char::from(alphabet[usize::from(*byte) % alphabet.len()])).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use esker_env::{SeededRandom, SimDisk};

    fn found(given: Option<RootKeys>, secret: Option<&str>, disk: &SimDisk, seed: u64) -> (String, Source) {
        disk.create_dir_all(Path::new("/d")).unwrap();
        let random = SeededRandom::new(seed);
        let (keys, source) = keys(given, secret, disk, Path::new("/d"), &random).unwrap();
        (format!("{} {}", keys.access_key, keys.secret_key), source)
    }

    #[test]
    fn a_node_alone_makes_keys_once_and_keeps_them() {
        let disk = SimDisk::new();
        let (made, source) = found(None, None, &disk, 1);
        assert_eq!(source, Source::Generated);
        assert_eq!(found(None, None, &disk, 2), (made.clone(), Source::Kept));
        assert_eq!(found(None, Some("0123456789abcdef"), &disk, 3), (made, Source::Kept));
        assert_ne!(found(None, None, &SimDisk::new(), 2).0, found(None, None, &SimDisk::new(), 1).0);
    }

    #[test]
    fn nodes_of_one_secret_have_the_same_keys() {
        let of = |secret| found(None, Some(secret), &SimDisk::new(), 7);
        assert_eq!(of("0123456789abcdef"), found(None, Some("0123456789abcdef"), &SimDisk::new(), 8));
        assert_ne!(of("0123456789abcdef").0, of("0123456789abcdeg").0);
        // Nodes of all versions must agree about them.
        assert_eq!(of("0123456789abcdef").0, "FZXWSRK6MUZMCCPZKX5P 8CRjVDHUdf8w0qwIcQdfrHMQ5fm3k4u3OkYV1_2M");
        assert_eq!(of("0123456789abcdef").1, Source::Derived);
        let given = RootKeys { access_key: "a".to_owned(), secret_key: "b".to_owned() };
        assert_eq!(
            found(Some(given), Some("0123456789abcdef"), &SimDisk::new(), 1),
            ("a b".to_owned(), Source::Given)
        );
    }
}
