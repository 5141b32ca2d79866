use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};

/// A place for one answer: the asker's half and the answerer's.
pub(super) fn reply<T>() -> (Asker<T>, Answerer<T>) {
    let slot = Arc::new(Slot(Mutex::new(State { answer: None, gone: false, asker: None })));
    (Asker(Arc::clone(&slot)), Answerer(slot))
}

/// Resolves to the answer, or to `None` when nobody will give one.
#[derive(Debug)]
pub(super) struct Asker<T>(Arc<Slot<T>>);

/// Gives the answer; dropped without one, the asker learns it.
#[derive(Debug)]
pub(super) struct Answerer<T>(Arc<Slot<T>>);

#[derive(Debug)]
struct Slot<T>(Mutex<State<T>>);

#[derive(Debug)]
struct State<T> {
    answer: Option<T>,
    gone: bool,
    asker: Option<Waker>,
}

impl<T> Slot<T> {
    fn lock(&self) -> MutexGuard<'_, State<T>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<T> Answerer<T> {
    /// Gives the answer; nobody may be there to hear it.
    pub(super) fn answer(self, answer: T) {
        self.0.lock().answer = Some(answer);
    }
}

impl<T> Drop for Answerer<T> {
    fn drop(&mut self) {
        let mut state = self.0.lock();
        state.gone = true;
        let asker = state.asker.take();
        drop(state);
        if let Some(asker) = asker {
            asker.wake();
        }
    }
}

impl<T> Future for Asker<T> {
    type Output = Option<T>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<T>> {
        let mut state = self.0.lock();
        if state.gone {
            return Poll::Ready(state.answer.take());
        }
        state.asker = Some(cx.waker().clone());
        Poll::Pending
    }
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt;

    use super::*;

    #[test]
    fn an_answer_arrives_once_and_a_lost_answerer_is_noticed() {
        let (mut asker, answerer) = reply();
        assert_eq!((&mut asker).now_or_never(), None);
        answerer.answer(7);
        assert_eq!(asker.now_or_never(), Some(Some(7)));

        let (asker, answerer) = reply::<u8>();
        drop(answerer);
        assert_eq!(asker.now_or_never(), Some(None));
    }
}
