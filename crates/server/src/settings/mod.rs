//! The server's settings: where they come from, and what they default to.
//!
//! A setting is given by a flag, by an environment variable, or in the configuration file, and the first of these
//! wins. The file is TOML with the flags' names, dashes as underscores; a key that is not a setting is an error.

mod addresses;
mod cluster;
mod console;
mod given;

pub(crate) use cluster::{Beginning, ClusterSettings, Endpoint, Reached, check_agreed};
pub(crate) use console::ConsoleReached;
pub(crate) use given::Given;

use clap::ValueEnum;
use esker_kv::EngineKind;
use esker_storage::FreeSpace;
use serde::Deserialize;
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::time::Duration;

/// How log lines are written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum LogFormat {
    /// For people.
    #[default]
    Text,
    /// One JSON object a line.
    Json,
}

/// The root account's keys as they were given.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct RootKeys {
    pub(crate) access_key: String,
    pub(crate) secret_key: String,
}

/// The settings of a server, complete and checked.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Settings {
    pub(crate) data_dir: PathBuf,
    pub(crate) address: String,
    pub(crate) console_address: String,
    pub(crate) region: String,
    pub(crate) domains: Vec<String>,
    /// None: generated at the first start.
    pub(crate) root_keys: Option<RootKeys>,
    pub(crate) engine: EngineKind,
    pub(crate) inline_bytes: usize,
    /// None: in proportion to the disk.
    pub(crate) disk_reserve_bytes: Option<u64>,
    pub(crate) garbage_grace: Duration,
    pub(crate) orphan_age: Duration,
    pub(crate) upkeep_interval: Duration,
    pub(crate) stop_notice: Duration,
    pub(crate) drain: Duration,
    pub(crate) maintenance_bytes_per_second: u64,
    pub(crate) cluster: ClusterSettings,
    pub(crate) log: String,
    pub(crate) log_format: LogFormat,
}

/// Why the settings can't be used.
#[derive(Debug, thiserror::Error)]
pub(crate) enum SettingsError {
    #[error("can't read the configuration file {}: {what}", path.display())]
    File { path: PathBuf, what: String },
    #[error("the configuration file {}: {what}", path.display())]
    Syntax { path: PathBuf, what: String },
    #[error("{setting}: {what}")]
    Value { setting: &'static str, what: String },
}

fn invalid(setting: &'static str, what: impl std::fmt::Display) -> SettingsError {
    SettingsError::Value { setting, what: what.to_string() }
}

/// The libraries below tell at `info` what only their developers want to know, and openraft warns of each call to a
/// node that is down.
const LOG_DEFAULT: &str = "info,openraft=error,fjall=warn,lsm_tree=warn,sled=warn";

/// The most bytes of an object that the index may keep: each is in one Raft log entry.
const INLINE_BYTES_MAX: u64 = 1 << 20;

impl Given {
    fn complete(self) -> Result<Settings, SettingsError> {
        let cluster = ClusterSettings::complete(&self)?;
        let seconds = |given: Option<u64>, default: u64| Duration::from_secs(given.unwrap_or(default));
        let engine = EngineKind::from_str(self.engine.as_deref().unwrap_or("fjall"));
        let engine = engine.map_err(|error| invalid("engine", error))?;
        if engine == EngineKind::Memory {
            return Err(invalid("engine", "memory keeps nothing, so a server can't use it"));
        }
        let inline_bytes = self.inline_bytes.unwrap_or(16 << 10);
        if inline_bytes > INLINE_BYTES_MAX {
            return Err(invalid("inline_bytes", format!("at most {INLINE_BYTES_MAX}")));
        }
        let region = self.region.unwrap_or_else(|| "us-east-1".to_owned());
        if region.is_empty() || !region.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-') {
            return Err(invalid("region", "letters, digits and dashes only"));
        }
        let upkeep_interval = seconds(self.upkeep_interval_seconds, 60);
        if upkeep_interval.is_zero() {
            return Err(invalid("upkeep_interval_seconds", "at least 1"));
        }
        let maintenance_rate = self.maintenance_rate.unwrap_or(16);
        if maintenance_rate == 0 {
            return Err(invalid(
                "maintenance_rate",
                "at least 1: without any, no space would ever be given back",
            ));
        }
        Ok(Settings {
            data_dir: self.data_dir.unwrap_or_else(|| PathBuf::from("esker-data")),
            address: self.address.unwrap_or_else(|| "127.0.0.1:9000".to_owned()),
            console_address: self.console_address.unwrap_or_else(|| console::CONSOLE_ADDRESS.to_owned()),
            region,
            domains: self.domain.iter().map(|domain| domain.to_ascii_lowercase()).collect(),
            root_keys: root_keys(self.root_access_key, self.root_secret_key)?,
            engine,
            inline_bytes: usize::try_from(inline_bytes).unwrap_or(usize::MAX),
            disk_reserve_bytes: self.disk_reserve_bytes,
            garbage_grace: seconds(self.garbage_grace_seconds, 3600),
            orphan_age: seconds(self.orphan_age_seconds, 86_400),
            upkeep_interval,
            stop_notice: seconds(self.stop_notice_seconds, 0),
            drain: seconds(self.drain_seconds, 30),
            maintenance_bytes_per_second: u64::from(maintenance_rate) << 20,
            cluster,
            log: self.log.unwrap_or_else(|| LOG_DEFAULT.to_owned()),
            log_format: self.log_format.unwrap_or_default(),
        })
    }
}

fn root_keys(access: Option<String>, secret: Option<String>) -> Result<Option<RootKeys>, SettingsError> {
    let keys = match (access, secret) {
        (None, None) => return Ok(None),
        (Some(access_key), Some(secret_key)) => RootKeys { access_key, secret_key },
        (Some(_), None) => return Err(invalid("root_secret_key", "missing, but root_access_key is given")),
        (None, Some(_)) => return Err(invalid("root_access_key", "missing, but root_secret_key is given")),
    };
    let plain = |b: u8| b.is_ascii_graphic() && b != b'/' && b != b'=' && b != b',';
    if !(3..=128).contains(&keys.access_key.len()) || !keys.access_key.bytes().all(plain) {
        return Err(invalid(
            "root_access_key",
            "3 to 128 printable ASCII characters without '/', '=' and ','",
        ));
    }
    if !(8..=128).contains(&keys.secret_key.len()) {
        return Err(invalid("root_secret_key", "8 to 128 characters"));
    }
    Ok(Some(keys))
}

impl Settings {
    /// How much of a disk is left alone.
    pub(crate) fn free_space(&self) -> FreeSpace {
        self.disk_reserve_bytes.map_or(FreeSpace::Proportional, FreeSpace::Bytes)
    }

    /// What is given, with the defaults.
    #[cfg(test)]
    pub(crate) fn complete_from(given: Given) -> Result<Settings, SettingsError> {
        given.complete()
    }

    /// The settings from flags and environment (`given`), then the file, then the defaults.
    pub(crate) fn load(given: Given, file: Option<&Path>) -> Result<Settings, SettingsError> {
        let from_file = file.map(Given::from_file).transpose()?.unwrap_or_default();
        given.or(from_file).complete()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(text: &str) -> Given {
        toml::from_str(text).expect("the text is a valid file")
    }

    #[test]
    fn flags_win_over_the_file_and_the_file_over_defaults() {
        let flags = Given { region: Some("eu-west-1".into()), ..Given::default() };
        let settings = flags.or(file("region = 'x'\naddress = '0.0.0.0:1'")).complete().expect("valid");
        assert_eq!((settings.region.as_str(), settings.address.as_str()), ("eu-west-1", "0.0.0.0:1"));
        assert_eq!(settings.console_address, "127.0.0.1:9001");
    }

    #[test]
    fn a_key_that_is_no_setting_is_an_error() {
        let error = toml::from_str::<Given>("adress = '0.0.0.0:1'").expect_err("a typing error");
        assert!(error.to_string().contains("unknown field `adress`"), "{error}");
    }

    #[test]
    fn half_a_pair_of_root_keys_is_an_error() {
        assert!(file("root_access_key = 'root'").complete().is_err());
        assert!(file("root_secret_key = 'secret-secret'").complete().is_err());
        assert!(file("root_access_key = 'root'\nroot_secret_key = 'short'").complete().is_err());
        assert!(file("root_access_key = 'root'\nroot_secret_key = 'long enough'").complete().is_ok());
    }

    #[test]
    fn values_out_of_range_are_errors() {
        for text in [
            "maintenance_rate = 0",
            "engine = 'memory'",
            "engine = 'rocks'",
            "inline_bytes = 2000000",
            "region = 'a b'",
        ] {
            assert!(file(text).complete().is_err(), "{text}");
        }
    }
}
