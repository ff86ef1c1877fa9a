//! One client: what it does next, and what the answer means.

use super::Options;
use super::body::{body, etag_of, value_of};
use super::record::{Event, Kind, Record, moment};
use crate::connection::{Connection, Trouble};
use crate::http::Response;
use crate::payload::Payload;
use crate::request::{Request, path_of};
use crate::sigv4::UNSIGNED;
use esker_checker::{Action, Condition, Moment, Operation, ReadOutcome, Value, WriteOutcome};
use esker_types::{VersionId, VersionUuid};
use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

/// How long a gateway may be silent; above what it may take for an answer in trouble.
const PATIENCE: Duration = Duration::from_secs(60);
/// Between two requests, so that clients leave the machine to the nodes.
const THINK: Duration = Duration::from_millis(10);
/// After a gateway that does not listen.
const PAUSE: Duration = Duration::from_millis(30);

pub(super) struct Client {
    number: u32,
    gateway: usize,
    bucket: String,
    keys: u32,
    started: Instant,
    choices: Payload,
    connection: Connection,
    record: Arc<Mutex<Record>>,
    /// What the next put writes.
    value: Value,
    /// What it last read of a key, for `If-Match`.
    seen: HashMap<String, Value>,
}

impl Client {
    pub(super) fn new(
        number: u32,
        gateway: usize,
        address: SocketAddr,
        options: &Options,
        started: Instant,
        choices: Payload,
        record: Arc<Mutex<Record>>,
    ) -> Client {
        Client {
            number,
            gateway,
            bucket: options.bucket.clone(),
            keys: options.keys,
            started,
            choices,
            connection: Connection::new(address, PATIENCE),
            record,
            value: Value(u64::from(number + 1) << 32),
            seen: HashMap::new(),
        }
    }

    /// Does one thing and notes it.
    pub(super) fn act(&mut self) {
        let key = format!("key-{}", self.choices.next_word() % u64::from(self.keys));
        let condition = match (self.choices.next_word() % 8, self.seen.get(&key)) {
            (0, _) => Condition::IfAbsent,
            (1 | 2, Some(value)) => Condition::IfMatch(*value),
            _ => Condition::Always,
        };
        match self.choices.next_word() % 16 {
            0..=6 => self.get(&key),
            7 | 8 => self.delete(&key),
            _ => self.put(&key, condition),
        }
        // sleep: a client thinks between two requests
        std::thread::sleep(THINK);
    }

    fn put(&mut self, key: &str, condition: Condition) {
        self.value = Value(self.value.0 + 1);
        let value = self.value;
        let etag = etag_of(value);
        self.record().values.insert(etag.clone(), value);
        let request = self.request("PUT", key).header("x-amz-content-sha256", UNSIGNED).body(body(value));
        let request = match condition {
            Condition::Always => request,
            Condition::IfAbsent => request.header("if-none-match", "*"),
            Condition::IfMatch(value) => request.header("if-match", &etag_of(value)),
        };
        let (begun, answer, ended) = self.exchange(request);
        let (outcome, failure) = self.write_outcome(&answer, condition);
        if let (Ok(response), WriteOutcome::Done(_)) = (&answer, outcome)
            && response.header("etag") != Some(&etag)
        {
            self.wrong(&format!("put of {etag} is answered {response:?}"));
        }
        self.note(key, Kind::Write, begun, ended, failure, Action::Put { value, condition, outcome });
    }

    fn delete(&mut self, key: &str) {
        let (begun, answer, ended) = self.exchange(self.request("DELETE", key));
        let (outcome, failure) = self.write_outcome(&answer, Condition::Always);
        let action = Action::Delete { condition: Condition::Always, outcome };
        self.note(key, Kind::Write, begun, ended, failure, action);
    }

    fn get(&mut self, key: &str) {
        let (begun, answer, ended) = self.exchange(self.request("GET", key));
        let (outcome, failure) = self.read_outcome(&answer);
        if let ReadOutcome::Found(value, _) = outcome {
            self.seen.insert(key.to_owned(), value);
        }
        self.note(key, Kind::Read, begun, ended, failure, Action::Get { outcome });
    }

    fn request(&self, method: &str, key: &str) -> Request {
        Request::new(method, &path_of(&self.bucket, key))
    }

    fn exchange(&mut self, request: Request) -> (Moment, Result<Response, Trouble>, Moment) {
        let begun = moment(self.started);
        let answer = self.connection.exchange(request);
        let ended = moment(self.started);
        if answer.is_err() {
            // sleep: nobody tells when the gateway is back
            std::thread::sleep(PAUSE);
        }
        (begun, answer, ended)
    }

    /// What a write's answer means, and what failed.
    fn write_outcome(
        &self,
        answer: &Result<Response, Trouble>,
        condition: Condition,
    ) -> (WriteOutcome, Option<String>) {
        let response = match answer {
            Ok(response) => response,
            Err(Trouble::NotSent(why)) => return (WriteOutcome::Failed, Some(format!("not sent: {why}"))),
            Err(Trouble::NoAnswer(why)) => return (WriteOutcome::Unknown, Some(format!("no answer: {why}"))),
        };
        let refusable = condition != Condition::Always;
        match response.status {
            200 | 204 => match version(response) {
                Some(version) => (WriteOutcome::Done(Some(version)), None),
                None => {
                    self.wrong(&format!("a write without a version: {response:?}"));
                    (WriteOutcome::Unknown, None)
                }
            },
            412 if refusable => (WriteOutcome::Refused, None),
            404 if matches!(condition, Condition::IfMatch(_)) => (WriteOutcome::Refused, None),
            503 => (WriteOutcome::Unknown, Some(failed(response))),
            // Only a gateway whose clock is wrong says so.
            403 if skewed(response) => (WriteOutcome::Failed, Some(failed(response))),
            _ => {
                self.wrong(&format!("a write is answered {response:?} {}", response.text()));
                (WriteOutcome::Unknown, Some(failed(response)))
            }
        }
    }

    /// What a read's answer means, and what failed.
    fn read_outcome(&self, answer: &Result<Response, Trouble>) -> (ReadOutcome, Option<String>) {
        let response = match answer {
            Ok(response) => response,
            Err(trouble) => return (ReadOutcome::Failed, Some(format!("{trouble:?}"))),
        };
        match (response.status, value_of(&response.body)) {
            (200, Some(value)) => (ReadOutcome::Found(value, version(response)), None),
            (200, None) => {
                let (length, etag) = (response.body.len(), response.header("etag"));
                self.wrong(&format!("a read gives {length} bytes that nobody wrote, etag {etag:?}"));
                (ReadOutcome::Failed, Some("wrong bytes".to_owned()))
            }
            (404, _) => (ReadOutcome::NotFound, None),
            (503, _) => (ReadOutcome::Failed, Some(failed(response))),
            (403, _) if skewed(response) => (ReadOutcome::Failed, Some(failed(response))),
            _ => {
                self.wrong(&format!("a read is answered {} {}", response.status, response.text()));
                (ReadOutcome::Failed, Some(failed(response)))
            }
        }
    }

    fn note(
        &self,
        key: &str,
        kind: Kind,
        begun: Moment,
        ended: Moment,
        failure: Option<String>,
        action: Action,
    ) {
        let says_nothing = matches!(
            action,
            Action::Put { outcome: WriteOutcome::Failed, .. }
                | Action::Delete { outcome: WriteOutcome::Failed, .. }
                | Action::Get { outcome: ReadOutcome::Failed }
        );
        let operation =
            Operation { client: self.number, key: key.to_owned(), invoked: begun, returned: ended, action };
        let event = Event { gateway: self.gateway, kind, begun, ended, failure };
        self.record().note((!says_nothing).then_some(operation), event);
    }

    fn wrong(&self, what: &str) {
        let now = moment(self.started);
        self.record().wrong.push(format!("{now}, gateway {}: {what}", self.gateway));
    }

    fn record(&self) -> std::sync::MutexGuard<'_, Record> {
        self.record.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn version(response: &Response) -> Option<VersionUuid> {
    match VersionId::parse(response.header("x-amz-version-id")?) {
        Ok(VersionId::Id(version)) => Some(version),
        _ => None,
    }
}

fn skewed(response: &Response) -> bool {
    response.failure().1 == "RequestTimeTooSkewed"
}

fn failed(response: &Response) -> String {
    let (status, code) = response.failure();
    format!("{status} {code}: {}", response.element("Message").unwrap_or_default())
}
