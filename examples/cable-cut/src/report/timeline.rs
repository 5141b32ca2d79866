use std::io::{IsTerminal, Write as _};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use civic_types::time::{Clock, SystemClock, Tick};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

/// Lines with the time since the start, and a bar below them where there is a terminal.
#[derive(Debug)]
pub(crate) struct Timeline {
    start: Tick,
    terminal: bool,
    bar: Mutex<Option<ProgressBar>>,
}

/// The bar, until it is dropped.
#[derive(Debug)]
pub(crate) struct Bar(ProgressBar);

impl Timeline {
    pub(crate) fn new() -> Self {
        let terminal = std::io::stderr().is_terminal();
        Self { start: SystemClock.now(), terminal, bar: Mutex::default() }
    }

    pub(crate) fn say(&self, text: &str) {
        let line = || {
            // Whoever read along has gone; the run goes on.
            let _ = writeln!(std::io::stdout(), "{:>7.2} s  {text}", self.elapsed().as_secs_f64());
        };
        match &*self.lock() {
            Some(bar) if !bar.is_finished() => bar.suspend(line),
            _ => line(),
        }
    }

    /// A bar of so many steps; of unknown many if 0.
    pub(crate) fn bar(&self, what: &'static str, steps: u64) -> Bar {
        let target = if self.terminal { ProgressDrawTarget::stderr() } else { ProgressDrawTarget::hidden() };
        let bar = ProgressBar::with_draw_target((steps > 0).then_some(steps), target);
        let template = if steps > 0 { "{msg:14} {bar:40} {pos}/{len}" } else { "{msg:14} {spinner} {pos}" };
        // The templates are constants; were one malformed, the default style would do.
        let style = ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar());
        bar.set_style(style);
        bar.set_message(what);
        *self.lock() = Some(bar.clone());
        Bar(bar)
    }

    pub(crate) fn elapsed(&self) -> Duration {
        SystemClock.now().since(self.start)
    }

    fn lock(&self) -> MutexGuard<'_, Option<ProgressBar>> {
        self.bar.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Bar {
    pub(crate) fn add(&self, steps: u64) {
        self.0.inc(steps);
    }

    pub(crate) fn set(&self, steps: u64) {
        self.0.set_position(steps);
    }
}

impl Drop for Bar {
    fn drop(&mut self) {
        self.0.finish_and_clear();
    }
}
