use std::io;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::watch;

/// All cables of a run. Clones are the same.
#[derive(Clone, Debug)]
pub(crate) struct Gate(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    open: watch::Sender<bool>,
    /// Held while bytes pass, so that none does once [`Gate::silence`] has returned.
    passing: Mutex<bool>,
    passed: AtomicU64,
}

impl Gate {
    pub(crate) fn new() -> Self {
        let (open, passing) = (watch::Sender::new(true), Mutex::new(true));
        Self(Arc::new(Inner { open, passing, passed: AtomicU64::new(0) }))
    }

    /// Cuts every cable.
    pub(crate) fn silence(&self) {
        *self.lock() = false;
        self.0.open.send_replace(false);
    }

    /// Mends every cable.
    pub(crate) fn heal(&self) {
        *self.lock() = true;
        self.0.open.send_replace(true);
    }

    /// Bytes that have passed so far, both ways.
    pub(crate) fn passed(&self) -> u64 {
        self.0.passed.load(Ordering::SeqCst)
    }

    pub(super) fn is_open(&self) -> bool {
        *self.lock()
    }

    pub(super) async fn until(&self, open: bool) {
        let mut watch = self.0.open.subscribe();
        // The sender lives as long as the gate.
        let _ = watch.wait_for(|now| *now == open).await;
    }

    /// Writes, by something that does not wait, and counts; nothing while silent.
    pub(super) fn pass(
        &self,
        count: &AtomicU64,
        write: impl FnOnce() -> io::Result<usize>,
    ) -> io::Result<usize> {
        let open = self.lock();
        if !*open {
            return Err(io::ErrorKind::WouldBlock.into());
        }
        let written = write()?;
        count.fetch_add(written as u64, Ordering::SeqCst);
        self.0.passed.fetch_add(written as u64, Ordering::SeqCst);
        Ok(written)
    }

    fn lock(&self) -> MutexGuard<'_, bool> {
        self.0.passing.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
