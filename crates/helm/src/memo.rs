//! What reading a text yields, kept for the next chart that holds the same text: another commit, another
//! application, another chart that carries the same library.
//!
//! Only what depends on nothing but a text is kept here, and the text is compared before it is handed out, so a memo
//! makes no difference but time. One serves the whole process. What was not asked for lately makes room for what is.

use std::hash::BuildHasher;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use foldhash::quality::RandomState;
use recent::Recent;

/// Something that was made of a text, and of nothing else.
pub(crate) trait OfText {
    /// The text.
    fn text(&self) -> &[u8];
}

/// Things made of texts, by the hash of the text.
pub(crate) struct Memo<T> {
    kept: Mutex<Recent<u64, Arc<T>>>,
    hasher: RandomState,
}

impl<T: OfText> Memo<T> {
    /// An empty memo that keeps what is made of at most twice `bytes` of text.
    pub(crate) fn new(bytes: u64) -> Self {
        Self { kept: Mutex::new(Recent::new(bytes)), hasher: RandomState::default() }
    }

    /// What was made of `text` before, or what `make` makes of it now. Failures are not kept.
    pub(crate) fn get<E>(&self, text: &[u8], make: impl FnOnce() -> Result<T, E>) -> Result<Arc<T>, E> {
        let hash = self.hasher.hash_one(text);
        let known = self.kept().get(&hash);
        if let Some(known) = known.filter(|known| known.text() == text) {
            return Ok(known);
        }
        // Two that make the same at the same time do no harm.
        let made = Arc::new(make()?);
        self.kept().put(hash, made.clone(), made.text().len() as u64);
        Ok(made)
    }

    /// Gives up everything.
    pub(crate) fn clear(&self) {
        self.kept().clear();
    }

    fn kept(&self) -> MutexGuard<'_, Recent<u64, Arc<T>>> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use super::*;

    struct Text(&'static str);

    impl OfText for Text {
        fn text(&self) -> &[u8] {
            self.0.as_bytes()
        }
    }

    #[test]
    fn what_is_asked_for_again_and_again_stays() {
        let memo = Memo::new(3);
        let made = Cell::new(0);
        let get = |text: &'static str| {
            let make = || {
                made.set(made.get() + 1);
                Ok::<_, ()>(Text(text))
            };
            assert_eq!(memo.get(text.as_bytes(), make).unwrap().0, text);
            made.get()
        };
        assert_eq!((get("a"), get("a"), get("b")), (1, 1, 2));
        for text in ["c", "d", "e", "f", "g", "h"] {
            get(text);
            assert_eq!(get("a"), made.get());
        }
        assert_eq!(made.get(), 8, "each was made once");
        assert_eq!(get("b"), 9, "what nobody asked for was given up");
        assert_eq!((get("too long"), get("too long")), (10, 11));
    }

    #[test]
    fn failures_are_not_kept() {
        let memo: Memo<Text> = Memo::new(10);
        assert_eq!(memo.get(b"a", || Err(1)).map(|made| made.0), Err(1));
        assert_eq!(memo.get(b"a", || Ok::<_, u8>(Text("a"))).map(|made| made.0), Ok("a"));
    }
}
