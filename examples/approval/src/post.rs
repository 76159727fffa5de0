//! The post: what would be mail or chat. It keeps its letters in memory, for a demonstration to show.

use std::sync::{Arc, Mutex, PoisonError};

use saga_runtime::Transient;

/// Brings letters to people. Each clone is the same post.
#[derive(Debug, Clone, Default)]
pub struct Post {
    letters: Arc<Mutex<Vec<Letter>>>,
}

/// What was sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Letter {
    /// The key of the call that sent it.
    key: String,
    /// To whom.
    pub to: String,
    /// What it says.
    pub text: String,
}

impl Post {
    /// Sends a letter to each of these people. One key, one letter: a call that is made again after a crash sends no second
    /// one.
    ///
    /// # Errors
    /// Never here. A real one can be away for a while, and then the saga tries again.
    #[expect(clippy::unused_async, reason = "a real one is asked over a network")]
    pub async fn send(&self, key: &str, people: &[String], text: &str) -> Result<(), Transient> {
        let mut letters = self.letters.lock().unwrap_or_else(PoisonError::into_inner);
        if letters.iter().all(|letter| letter.key != key) {
            letters.extend(people.iter().map(|to| Letter { key: key.into(), to: to.clone(), text: text.into() }));
        }
        Ok(())
    }

    /// All letters so far.
    pub fn letters(&self) -> Vec<Letter> {
        self.letters.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}
