//! Whom to ask next, and what may be said when nobody answered: pure, so that every order of failures can be tested.

use crate::metadata::MetadataError;

/// What became of asking one node.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Attempt<T> {
    /// It answered.
    Answered(T),
    /// Certainly nothing was done, and will not be.
    Undone(String),
    /// Perhaps it was done, or still will be.
    Unclear(String),
    /// There is no room for it.
    Full,
}

/// What all attempts together came to so far.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Tried {
    unclear: bool,
    last: Option<String>,
}

impl Tried {
    /// Whether an earlier attempt may have been applied.
    pub(super) fn unclear(&self) -> bool {
        self.unclear
    }

    /// Takes an attempt in. Gives the result, if this is the end of trying.
    pub(super) fn settle<T>(&mut self, attempt: Attempt<T>) -> Option<Result<T, MetadataError>> {
        match attempt {
            Attempt::Answered(answer) => return Some(Ok(answer)),
            // An earlier attempt may have found room; then only its outcome tells.
            Attempt::Full if !self.unclear => return Some(Err(MetadataError::Full)),
            Attempt::Full => self.last = Some(MetadataError::Full.to_string()),
            Attempt::Undone(why) => self.last = Some(why),
            Attempt::Unclear(why) => {
                self.unclear = true;
                self.last = Some(why);
            }
        }
        None
    }

    /// What to say when time is up.
    pub(super) fn give_up(self) -> MetadataError {
        let why = self.last.unwrap_or_else(|| "no metadata node is known".to_owned());
        if self.unclear { MetadataError::Unknown(why) } else { MetadataError::Unavailable(why) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use Attempt::{Answered, Full, Unclear, Undone};

    fn after(attempts: &[Attempt<u8>]) -> Result<u8, MetadataError> {
        let mut tried = Tried::default();
        for attempt in attempts {
            if let Some(result) = tried.settle(attempt.clone()) {
                return result;
            }
        }
        Err(tried.give_up())
    }

    #[test]
    fn one_unclear_attempt_leaves_the_outcome_unknown_whatever_others_refuse() {
        let (undone, unclear) = (|| Undone("down".to_owned()), || Unclear("cut off".to_owned()));
        let down = || "down".to_owned();
        assert_eq!(after(&[]), Err(MetadataError::Unavailable("no metadata node is known".to_owned())));
        assert_eq!(after(&[undone(), undone()]), Err(MetadataError::Unavailable(down())));
        assert_eq!(after(&[undone(), unclear()]), Err(MetadataError::Unknown("cut off".to_owned())));
        assert_eq!(after(&[unclear(), undone()]), Err(MetadataError::Unknown(down())));
        assert_eq!(after(&[undone(), Full]), Err(MetadataError::Full));
        assert!(matches!(after(&[unclear(), Full]), Err(MetadataError::Unknown(_))));
        assert_eq!(after(&[unclear(), undone(), Answered(1)]), Ok(1));
    }
}
