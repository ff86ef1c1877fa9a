//! A node that does nothing but answer what it is told to.

use crate::control::{Control, ControlError, Formation, Hello, SettingsChange};
use async_trait::async_trait;
use esker_types::{NodeId, NodeInfo};
use std::sync::{Mutex, PoisonError};

/// What a [`ScriptedControl`] was asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Asked {
    /// [`Control::form`].
    Form(Formation),
    /// [`Control::join`].
    Join(NodeId, NodeInfo),
    /// [`Control::invite`].
    Invite(String),
    /// [`Control::drain`].
    Drain(NodeId),
    /// [`Control::undrain`].
    Undrain(NodeId),
    /// [`Control::remove`].
    Remove(NodeId),
    /// [`Control::replace`].
    Replace(NodeId, Option<NodeId>),
    /// [`Control::change_settings`].
    ChangeSettings(SettingsChange),
}

/// Answers every call in the same way, and remembers what it was asked to do.
#[derive(Debug)]
pub struct ScriptedControl {
    hello: Result<Hello, ControlError>,
    status: Result<String, ControlError>,
    done: Result<(), ControlError>,
    asked: Mutex<Vec<Asked>>,
}

impl ScriptedControl {
    /// A node that does all it is asked.
    pub fn good(hello: Hello, status: &str) -> ScriptedControl {
        ScriptedControl {
            hello: Ok(hello),
            status: Ok(status.to_owned()),
            done: Ok(()),
            asked: Mutex::default(),
        }
    }

    /// A node that answers everything with an error.
    pub fn failing(error: &ControlError) -> ScriptedControl {
        let error = || error.clone();
        ScriptedControl {
            hello: Err(error()),
            status: Err(error()),
            done: Err(error()),
            asked: Mutex::default(),
        }
    }

    /// What it was asked to do so far.
    pub fn asked(&self) -> Vec<Asked> {
        self.asked.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn done(&self, asked: Asked) -> Result<(), ControlError> {
        self.asked.lock().unwrap_or_else(PoisonError::into_inner).push(asked);
        self.done.clone()
    }
}

#[async_trait]
impl Control for ScriptedControl {
    async fn hello(&self) -> Result<Hello, ControlError> {
        self.hello.clone()
    }

    async fn form(&self, formation: Formation) -> Result<(), ControlError> {
        self.done(Asked::Form(formation))
    }

    async fn join(&self, node: NodeId, info: NodeInfo) -> Result<(), ControlError> {
        self.done(Asked::Join(node, info))
    }

    async fn invite(&self, seed: String) -> Result<(), ControlError> {
        self.done(Asked::Invite(seed))
    }

    async fn status(&self) -> Result<String, ControlError> {
        self.status.clone()
    }

    async fn drain(&self, node: NodeId) -> Result<(), ControlError> {
        self.done(Asked::Drain(node))
    }

    async fn undrain(&self, node: NodeId) -> Result<(), ControlError> {
        self.done(Asked::Undrain(node))
    }

    async fn remove(&self, node: NodeId) -> Result<(), ControlError> {
        self.done(Asked::Remove(node))
    }

    async fn replace(&self, old: NodeId, new: Option<NodeId>) -> Result<(), ControlError> {
        self.done(Asked::Replace(old, new))
    }

    async fn change_settings(&self, change: SettingsChange) -> Result<(), ControlError> {
        self.done(Asked::ChangeSettings(change))
    }
}
