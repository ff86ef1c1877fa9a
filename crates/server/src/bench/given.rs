//! What a load is given on the command line.

use super::BenchError;
use clap::Args;
use esker_env::{OsRandom, Random as _};
use esker_load::client::{Endpoint, PayloadHash};
use esker_load::plan::size::parse_bytes;
use esker_load::plan::{Arrivals, Mix, Pace, Sizes, Workload};
use esker_load::run::{Credentials, Keep, Settings, Verify};
use std::path::PathBuf;
use std::time::Duration;

/// What a load is given.
#[derive(Args, Clone)]
pub(super) struct Given {
    /// put, get, range-get, head, delete, mixed, list, list-versions, overwrite-one-key, multipart or version-churn
    // What is required is told by clap, unless `report` is what is to be done.
    #[arg(required = true)]
    workload: Option<Workload>,

    /// Where to send requests; several, separated by commas, share the connections
    #[arg(
        long,
        env = "AWS_ENDPOINT_URL",
        value_name = "URL",
        value_delimiter = ',',
        default_value = "http://127.0.0.1:9000"
    )]
    endpoint: Vec<Endpoint>,

    /// The access key
    #[arg(long, env = "AWS_ACCESS_KEY_ID", value_name = "KEY", required = true)]
    access_key: Option<String>,

    /// The secret key; rather set it by environment
    #[arg(
        long,
        env = "AWS_SECRET_ACCESS_KEY",
        value_name = "SECRET",
        hide_env_values = true,
        required = true
    )]
    secret_key: Option<String>,

    /// The region to sign for
    #[arg(long, env = "AWS_DEFAULT_REGION", value_name = "REGION", default_value = "us-east-1")]
    region: String,

    /// A bucket that is there, instead of one that is made and removed
    #[arg(long, value_name = "NAME")]
    bucket: Option<String>,

    /// Makes the bucket keep versions, even if the workload needs none
    #[arg(long)]
    versioned: bool,

    /// Sizes of objects: 4KiB, 4KiB-1MiB, 4KiB:90,1MiB:10, or lognormal:MEDIAN,SIGMA,MAX
    #[arg(long, value_name = "SIZES", default_value = "64KiB")]
    size: Sizes,

    /// Length of a range of range-get
    #[arg(long, value_name = "SIZE", value_parser = parse_bytes, default_value = "4KiB")]
    range: u64,

    /// Length of a part of multipart
    #[arg(long, value_name = "SIZE", value_parser = parse_bytes, default_value = "8MiB")]
    part_size: u64,

    /// Parts of an upload of multipart
    #[arg(long, value_name = "COUNT", default_value_t = 4)]
    parts: u32,

    /// Entries of a page of list and list-versions
    #[arg(long, value_name = "COUNT", default_value_t = 100)]
    page: u32,

    /// What mixed is of: get, range-get, head, put, delete and list, with weights
    #[arg(long, value_name = "WEIGHTS", default_value_t = Mix::default())]
    mix: Mix,

    /// Objects that are put beforehand, or keys of version-churn [default: by workload]
    #[arg(long, value_name = "COUNT")]
    objects: Option<u64>,

    /// Versions of each of them, or most versions of a key of version-churn [default: by workload]
    #[arg(long, value_name = "COUNT")]
    versions: Option<u32>,

    /// Connections, each with one request at a time
    #[arg(long, short, value_name = "COUNT", default_value_t = 16)]
    concurrency: usize,

    /// Threads that serve them [default: half of the processors]
    #[arg(long, value_name = "COUNT")]
    threads: Option<usize>,

    /// Requests a second, whenever replies come; latency counts from the time that each was intended for
    #[arg(long, value_name = "NUMBER")]
    rate: Option<f64>,

    /// Makes --rate a limit only: a request waits for a reply, and latency counts from when it is sent
    #[arg(long, requires = "rate")]
    closed_loop: bool,

    /// How the requests of --rate come: even or poisson
    #[arg(long, value_name = "KIND", default_value_t = Arrivals::Even, conflicts_with = "closed_loop")]
    arrivals: Arrivals,

    /// What goes before the measured part; nothing does before delete
    #[arg(long, value_name = "TIME", value_parser = parse_time, default_value = "2s")]
    warm_up: Duration,

    /// The measured part
    #[arg(long, short, value_name = "TIME", value_parser = parse_time, default_value = "10s")]
    duration: Duration,

    /// The longest that a request may take
    #[arg(long, value_name = "TIME", value_parser = parse_time, default_value = "60s")]
    timeout: Duration,

    /// The most that is put in all; then the load ends
    #[arg(long, value_name = "SIZE", value_parser = parse_bytes, default_value = "16GiB")]
    put_max: u64,

    /// Compares contents, lengths and orders with what was put, and reads some of it again after the load
    #[arg(long)]
    verify: bool,

    /// Signs bodies too, which costs about as much here as it costs the server
    #[arg(long)]
    sign_payload: bool,

    /// How often a request is sent again after 503 SlowDown
    #[arg(long, value_name = "COUNT", default_value_t = 0)]
    slow_down_retries: u32,

    /// Leaves the objects, and the bucket
    #[arg(long)]
    keep: bool,

    /// The longest that clearing up may take
    #[arg(long, value_name = "TIME", value_parser = parse_time, default_value = "120s")]
    cleanup_timeout: Duration,

    /// Names the load: the same number makes the same keys, sizes and contents [default: random]
    #[arg(long, value_name = "NUMBER")]
    seed: Option<u64>,

    /// Writes a report for `esker bench report`, as lines of JSON; the file must not be there
    #[arg(long, value_name = "FILE")]
    pub(super) json: Option<PathBuf>,
}

impl Given {
    pub(super) fn settings(&self) -> Result<Settings, BenchError> {
        let given = self.clone();
        let missing = |what: &str| BenchError::Usage(format!("{what} is missing; see esker bench --help"));
        let workload = given.workload.ok_or_else(|| missing("the workload"))?;
        let access_key = given.access_key.ok_or_else(|| missing("the access key"))?;
        let secret_key = given.secret_key.ok_or_else(|| missing("the secret key"))?;
        let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
        let threads = given.threads.unwrap_or((cores / 2).max(1)).min(given.concurrency.max(1));
        let settings = Settings {
            workload,
            endpoints: given.endpoint,
            credentials: Credentials { access_key, secret_key, region: given.region },
            bucket: given.bucket,
            versioned: given.versioned,
            sizes: given.size,
            range_bytes: given.range,
            part_bytes: given.part_size,
            parts: given.parts,
            page_entries: given.page,
            mix: given.mix,
            objects: given.objects.unwrap_or(workload.objects_default()),
            versions: given.versions.unwrap_or(workload.versions_default()),
            concurrency: given.concurrency,
            threads,
            pace: match given.rate {
                None => Pace::Closed,
                Some(rate) if given.closed_loop => Pace::Limited { rate },
                Some(rate) => Pace::Open { rate, arrivals: given.arrivals },
            },
            // What is deleted to warm up can't be deleted again.
            warm_up: if workload == Workload::Delete { Duration::ZERO } else { given.warm_up },
            duration: given.duration,
            timeout: given.timeout,
            put_bytes_max: given.put_max,
            verify: if given.verify { Verify::Everything } else { Verify::Nothing },
            payload_hash: if given.sign_payload { PayloadHash::Sha256 } else { PayloadHash::Unsigned },
            slow_down_retries: given.slow_down_retries,
            keep: if given.keep { Keep::Everything } else { Keep::Nothing },
            cleanup_timeout: given.cleanup_timeout,
            seed: given.seed.unwrap_or_else(|| OsRandom.below(1 << 32)),
        };
        settings.check().map_err(|error| BenchError::Usage(error.to_string()))?;
        Ok(settings)
    }
}

/// Parses `500ms`, `10s`, `5m` or `2h`.
fn parse_time(text: &str) -> Result<Duration, String> {
    let end = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let (digits, unit) = text.split_at(end);
    let number: u64 = digits.parse().map_err(|_| "write a number and ms, s, m or h".to_owned())?;
    let millis = match unit {
        "ms" => 1,
        "s" => 1_000,
        "m" => 60_000,
        "h" => 3_600_000,
        _ => return Err("its unit is none of ms, s, m and h".to_owned()),
    };
    number.checked_mul(millis).map(Duration::from_millis).ok_or_else(|| "it is too long".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::{CommandFactory as _, Parser};

    #[derive(Parser)]
    struct Cli {
        #[command(flatten)]
        bench: super::super::Bench,
    }

    fn parse(args: &[&str]) -> Result<Settings, String> {
        let keys = ["bench", "--access-key", "a", "--secret-key", "s", "--endpoint", "http://h:1"];
        let cli = Cli::try_parse_from(keys.iter().chain(args)).map_err(|error| error.to_string())?;
        cli.bench.given.settings().map_err(|error| error.to_string())
    }

    #[test]
    fn the_command_line_is_consistent() {
        Cli::command().debug_assert();
    }

    #[test]
    fn a_rate_makes_an_open_loop_unless_it_is_a_limit() {
        assert_eq!(parse(&["put"]).expect("valid").pace, Pace::Closed);
        let open = parse(&["put", "--rate", "50", "--arrivals", "poisson"]).expect("valid").pace;
        assert_eq!(open, Pace::Open { rate: 50.0, arrivals: Arrivals::Poisson });
        let limited = parse(&["put", "--rate", "50", "--closed-loop"]).expect("valid").pace;
        assert_eq!(limited, Pace::Limited { rate: 50.0 });
        assert!(parse(&["put", "--closed-loop"]).is_err());
        assert!(parse(&["put", "--rate", "0"]).is_err());
    }

    #[test]
    fn nonsense_is_refused() {
        for args in [
            &["fly"][..],
            &["put", "--size", "big"],
            &["put", "--duration", "10"],
            &["put", "--duration", "0s"],
            &["put", "--concurrency", "0"],
            &["multipart", "--part-size", "1MiB"],
            &["put", "--endpoint", "https://h"],
        ] {
            assert!(parse(args).is_err(), "{args:?}");
        }
    }

    #[test]
    fn a_load_needs_keys() {
        assert!(Cli::try_parse_from(["bench", "put", "--access-key", "a", "--secret-key", "s"]).is_ok());
        // Keys may come from the environment of the test, a workload can't.
        assert!(Cli::try_parse_from(["bench", "--access-key", "a", "--secret-key", "s"]).is_err());
    }

    #[test]
    fn reports_need_no_keys() {
        let cli = Cli::try_parse_from(["bench", "report", "a.jsonl"]).map_err(|error| error.to_string());
        assert!(cli.expect("valid").bench.command.is_some());
    }

    #[test]
    fn times_have_units() {
        assert_eq!(parse_time("500ms"), Ok(Duration::from_millis(500)));
        assert_eq!(parse_time("2h"), Ok(Duration::from_secs(7200)));
        assert!(parse_time("5").is_err() && parse_time("s").is_err() && parse_time("1d").is_err());
    }
}
