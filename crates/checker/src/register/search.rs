//! The courses that are looked at while an operation returns, and the bound on all of it.

use super::course::Course;
use std::collections::BTreeSet;

/// More than is looked at for one key: numbers in courses, a hundred million of which take seconds.
const WORK_MAX: usize = 100_000_000;
/// More than is kept at one moment: numbers in courses, of four bytes each.
const KEPT_MAX: usize = 20_000_000;

/// The check was given up.
#[derive(Clone, Copy, Debug)]
pub(super) struct TooMuch {
    /// The courses that were possible then.
    pub(super) courses: usize,
}

/// What was looked at for the operation that returns, and what was found.
#[derive(Debug, Default)]
pub(super) struct Search {
    /// The courses of which the operation is a part.
    pub(super) found: BTreeSet<Course>,
    looked_at: BTreeSet<Course>,
    kept: usize,
    work: usize,
}

impl Search {
    /// Whether a course is a new one, which is to be gone into.
    pub(super) fn look_at(&mut self, course: &Course) -> Result<bool, TooMuch> {
        let is_new = !self.looked_at.contains(course);
        self.spend(course.size())?;
        if is_new {
            self.kept += course.size();
            self.looked_at.insert(course.clone());
        }
        match self.kept > KEPT_MAX {
            true => Err(self.too_much()),
            false => Ok(is_new),
        }
    }

    /// Ends the search for one operation: the courses that it found, without those that another one covers.
    pub(super) fn take(&mut self) -> Result<Vec<Course>, TooMuch> {
        let mut kept: Vec<Course> = Vec::new();
        // Courses are sorted by state first, so those that may cover each other are neighbours.
        let mut first = 0;
        for course in std::mem::take(&mut self.found) {
            if kept.get(first).is_some_and(|other| other.state != course.state) {
                first = kept.len();
            }
            self.spend((kept.len() - first) * course.size())?;
            if !kept[first..].iter().any(|other| other.covers(&course)) {
                let same_state = kept.split_off(first);
                kept.extend(same_state.into_iter().filter(|other| !course.covers(other)));
                kept.push(course);
            }
        }
        self.looked_at.clear();
        self.kept = 0;
        Ok(kept)
    }

    fn spend(&mut self, work: usize) -> Result<(), TooMuch> {
        self.work += work;
        match self.work > WORK_MAX {
            true => Err(self.too_much()),
            false => Ok(()),
        }
    }

    fn too_much(&self) -> TooMuch {
        TooMuch { courses: self.looked_at.len().max(self.found.len()) }
    }
}
