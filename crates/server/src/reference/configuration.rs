//! `docs/configuration.md`: every setting, its flag, its variable, its key in the file, its default.

use super::{cell, check};
use crate::Cli;
use crate::settings::{Given, Settings};
use clap::{Arg, Args as _, CommandFactory as _};
use std::collections::BTreeSet;
use std::fmt::Write as _;

const HEAD: &str = "\
# Configuration

Every setting of `esker server`. This page is written from the program's own settings by `cargo xtask docs`.

A setting is given by a flag, by an environment variable, or by a key of a TOML file (`--config FILE`), and the first of
these that is there wins. A key that is no setting is an error, and so is a value that makes no sense: the server says
which, and does not start. Lists are separated by commas in flags and variables, and are arrays in the file. There is
nothing to reload: a node that starts again takes its new settings.

```toml
data_dir = \"/var/lib/esker\"
address = \"0.0.0.0:9000\"
cluster_address = \"10.0.0.1:9100\"
peers = [\"10.0.0.1:9100\", \"10.0.0.2:9100\", \"10.0.0.3:9100\"]
cluster_secret_file = \"/etc/esker/secret\"
```
";

/// What stands before a default at the end of a help text.
const DEFAULT: &str = "[default: ";

/// A setting as it is told.
#[derive(Debug)]
struct Setting {
    heading: String,
    flag: String,
    value: String,
    variable: Option<String>,
    /// None: it can't be in the file.
    key: Option<String>,
    default: Option<String>,
    meaning: String,
}

impl Setting {
    fn of(arg: &Arg, keys: &BTreeSet<String>) -> Setting {
        let help = arg.get_help().map(ToString::to_string).unwrap_or_default();
        let (meaning, default) = match help.split_once(DEFAULT) {
            Some((meaning, default)) => (meaning.trim(), Some(default.trim_end_matches(']').to_owned())),
            None => (help.as_str(), None),
        };
        let takes_value = arg.get_action().takes_values();
        let values = arg.get_value_names().filter(|_| takes_value).into_iter().flatten();
        Setting {
            heading: arg.get_help_heading().unwrap_or("Node").to_owned(),
            flag: format!("--{}", arg.get_long().expect("every setting has a long flag")),
            value: values.map(|name| format!(" {name}")).collect(),
            variable: arg.get_env().map(|name| name.to_string_lossy().into_owned()),
            key: Some(arg.get_id().to_string()).filter(|key| keys.contains(key)),
            default,
            meaning: meaning.to_owned(),
        }
    }

    fn row(&self) -> String {
        let code = |text: &Option<String>| text.as_ref().map(|text| format!("`{text}`")).unwrap_or_default();
        let Setting { flag, value, variable, key, default, meaning, .. } = self;
        let default = cell(default.as_deref().unwrap_or_default());
        format!(
            "| `{}` | {} | {} | {default} | {} |\n",
            cell(&format!("{flag}{value}")),
            code(variable),
            code(key),
            cell(meaning)
        )
    }
}

/// The settings in the order in which the help shows them.
fn settings() -> Vec<Setting> {
    let keys = Given::augment_args(clap::Command::new("file"));
    let keys: BTreeSet<String> = keys.get_arguments().map(|arg| arg.get_id().to_string()).collect();
    let command = Cli::command();
    let server = command.find_subcommand("server").expect("there is such a command");
    server.get_arguments().map(|arg| Setting::of(arg, &keys)).collect()
}

fn page() -> String {
    let settings = settings();
    let headings: Vec<&String> = settings.iter().map(|setting| &setting.heading).collect();
    let mut page = HEAD.to_owned();
    let mut told = BTreeSet::new();
    for heading in headings.into_iter().filter(|heading| told.insert((*heading).clone())) {
        let _ = write!(
            page,
            "\n## {heading}\n\n| flag | variable | key | default | meaning |\n|---|---|---|---|---|\n"
        );
        settings
            .iter()
            .filter(|setting| setting.heading == *heading)
            .for_each(|setting| page += &setting.row());
    }
    page
}

#[test]
fn the_page_of_settings_is_what_the_program_takes() {
    check("configuration.md", &page());
}

#[test]
fn every_key_is_one_of_the_file_and_every_setting_has_a_variable() {
    for setting in settings().iter().filter(|setting| setting.flag != "--rebuild-blob-index") {
        assert!(setting.variable.as_deref().is_some_and(|name| name.starts_with("ESKER_")), "{setting:?}");
        let Some(key) = &setting.key else {
            assert_eq!(setting.flag, "--config", "the others may be in the file");
            continue;
        };
        // Wrong for every setting, so that the error is about the value if the key is known.
        let error = toml::from_str::<Given>(&format!("{key} = {{}}")).expect_err("no setting is a table");
        assert!(!error.to_string().contains("unknown field"), "{error}");
    }
}

/// The file that says what is the default anyway.
fn defaults() -> String {
    let mut file = String::new();
    for setting in settings() {
        let (Some(key), Some(default)) = (setting.key, setting.default) else { continue };
        // The others depend on the machine, or are told in words.
        let literal = match default.parse::<u64>() {
            Ok(number) => number.to_string(),
            Err(_) if default.contains(' ') => continue,
            Err(_) if key == "roles" => format!("{:?}", default.split(',').collect::<Vec<_>>()),
            Err(_) => format!("{default:?}"),
        };
        let _ = writeln!(file, "{key} = {literal}");
    }
    file
}

#[test]
fn what_is_told_to_be_the_default_is_the_default() {
    let file = defaults();
    assert!(file.lines().count() > 15, "{file}");
    let told = toml::from_str::<Given>(&file).unwrap_or_else(|error| panic!("{error}\n{file}"));
    for line in file.lines() {
        let one = toml::from_str::<Given>(line).expect("a line of the file");
        let same = Settings::complete_from(one).expect("a default is valid")
            == Settings::complete_from(Given::default()).expect("nothing is needed");
        assert!(same, "the default is not {line}");
    }
    assert!(Settings::complete_from(told).is_ok());
}
