//! The root account's keys: given, or generated at the first start and kept in the data directory.

use crate::settings::RootKeys;
use esker_env::{Disk, DiskError, Permissions, Random, read_file, write_atomically};
use serde::{Deserialize, Serialize};
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

/// The keys to use.
pub(crate) fn keys(
    given: Option<RootKeys>,
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
        return Ok((RootKeys { access_key, secret_key }, Source::Kept));
    }
    let keys = RootKeys {
        access_key: text_of(random, b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567", 20),
        secret_key: text_of(random, b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_", 40),
    };
    let stored = Stored { access_key: keys.access_key.clone(), secret_key: keys.secret_key.clone() };
    let text = toml::to_string(&stored).map_err(|error| unusable(error.to_string()))?;
    write_atomically(disk, &path, text.as_bytes(), Permissions::OwnerOnly)?;
    Ok((keys, Source::Generated))
}

/// A text of so many characters of an alphabet. The alphabets have 32 or 64 characters, so a byte's remainder is
/// as random as the byte.
fn text_of(random: &dyn Random, alphabet: &[u8], length: usize) -> String {
    let mut bytes = vec![0; length];
    random.fill(&mut bytes);
    bytes.iter().map(|byte| char::from(alphabet[usize::from(*byte) % alphabet.len()])).collect()
}
