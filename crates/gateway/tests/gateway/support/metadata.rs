//! The metadata layer as one process: the real state machine over rows in memory, without Raft.

use async_trait::async_trait;
use esker_env::Clock;
use esker_index::command::{Command, CommandBody};
use esker_index::outcome::Outcome;
use esker_index::query::{Answer, Query};
use esker_index::rows::MemoryRows;
use esker_rpc::{Metadata, MetadataError, Proposal};
use esker_types::GroupId;
use std::collections::{BTreeMap, VecDeque};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use tokio::sync::watch;

/// What happens to a proposal.
#[derive(Clone, Copy, Debug)]
pub enum Fault {
    /// There is no leader.
    Unavailable,
    /// The disk is full.
    Full,
    /// It is applied, but the reply is lost.
    AppliedReplyLost,
    /// It is neither applied nor answered.
    Lost,
}

/// Everything that was proposed: group, command, whether it was applied here and now.
pub type Proposed = Vec<(GroupId, CommandBody)>;

#[derive(Debug)]
pub struct FakeMetadata {
    clock: Arc<dyn Clock>,
    groups: Mutex<BTreeMap<GroupId, MemoryRows>>,
    faults: Mutex<VecDeque<Option<Fault>>>,
    applied: watch::Sender<Proposed>,
    /// Whether anybody answers, and how many questions came meanwhile.
    reached: watch::Sender<bool>,
    questions: AtomicUsize,
}

impl FakeMetadata {
    pub fn new(clock: Arc<dyn Clock>) -> Arc<FakeMetadata> {
        Arc::new(FakeMetadata {
            clock,
            groups: Mutex::default(),
            faults: Mutex::default(),
            applied: watch::Sender::new(Vec::new()),
            reached: watch::Sender::new(true),
            questions: AtomicUsize::new(0),
        })
    }

    /// The next proposals meet these.
    pub fn inject(&self, faults: impl IntoIterator<Item = Fault>) {
        self.faults.lock().unwrap().extend(faults.into_iter().map(Some));
    }

    /// So many proposals succeed, and the one after them meets this.
    pub fn after(&self, proposals: usize, fault: Fault) {
        let mut faults = self.faults.lock().unwrap();
        faults.extend((0..proposals).map(|_| None));
        faults.push_back(Some(fault));
    }

    /// From now on nobody answers.
    pub fn cut_off(&self) {
        self.reached.send_replace(false);
    }

    /// From now on everybody is answered, those who wait too.
    pub fn heal(&self) {
        self.reached.send_replace(true);
    }

    /// The questions of clients so far: all but those of a gateway that looks whether it is still cut off.
    pub fn questions(&self) -> usize {
        self.questions.load(Ordering::Relaxed)
    }

    async fn reached(&self) {
        self.reached.subscribe().wait_for(|reached| *reached).await.unwrap();
    }

    /// What was applied so far.
    pub fn applied(&self) -> Proposed {
        self.applied.borrow().clone()
    }

    /// Waits until something that was applied satisfies `wanted`.
    pub async fn until(&self, wanted: impl Fn(&CommandBody) -> bool) {
        let mut applied = self.applied.subscribe();
        applied.wait_for(|all| all.iter().any(|(_, body)| wanted(body))).await.unwrap();
    }

    fn apply(&self, group: GroupId, proposal: Proposal) -> Outcome {
        let command = Command {
            request: proposal.request,
            deadline: proposal.deadline,
            proposed_at: self.clock.now(),
            body: proposal.body,
        };
        // Through its stored form, as a log would.
        let command = Command::decode(command.encode()).unwrap();
        let mut groups = self.groups.lock().unwrap();
        let rows = groups.entry(group).or_default();
        let outcome = esker_index::apply(rows, group, &command).unwrap();
        drop(groups);
        self.applied.send_modify(|all| all.push((group, command.body)));
        outcome
    }
}

#[async_trait]
impl Metadata for FakeMetadata {
    async fn propose(&self, group: GroupId, proposal: Proposal) -> Result<Outcome, MetadataError> {
        self.reached().await;
        let fault = self.faults.lock().unwrap().pop_front().flatten();
        match fault {
            None => Ok(self.apply(group, proposal)),
            Some(Fault::Unavailable) => Err(MetadataError::Unavailable("injected".to_owned())),
            Some(Fault::Full) => Err(MetadataError::Full),
            Some(Fault::Lost) => Err(MetadataError::Unknown("injected".to_owned())),
            Some(Fault::AppliedReplyLost) => {
                let _ = self.apply(group, proposal);
                Err(MetadataError::Unknown("injected".to_owned()))
            }
        }
    }

    async fn query(&self, group: GroupId, query: Query) -> Result<Answer, MetadataError> {
        let asked = usize::from(!matches!(query, Query::Topology { .. }));
        self.questions.fetch_add(asked, Ordering::Relaxed);
        self.reached().await;
        let mut groups = self.groups.lock().unwrap();
        Ok(esker_index::answer(groups.entry(group).or_default(), &query).unwrap())
    }

    fn leads(&self, _: GroupId) -> bool {
        true
    }
}
