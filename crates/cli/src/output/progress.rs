//! Progress on standard error, for people who watch.

use std::io::IsTerminal;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};

static WANTED: AtomicBool = AtomicBool::new(true);

/// Says once, at the start, whether progress may be drawn at all.
pub(crate) fn set_progress(wanted: bool) {
    WANTED.store(wanted, Ordering::Relaxed);
}

/// A line that shows how far a long work is; nothing where standard error is no terminal.
pub(crate) struct Progress(ProgressBar);

impl Progress {
    /// Work of unknown length.
    pub(crate) fn spinner(what: &'static str) -> Self {
        Self::drawn(ProgressBar::new_spinner().with_message(what), "{spinner} {msg}  {human_pos}  {elapsed}")
    }

    /// Work of `steps` steps.
    pub(crate) fn bar(what: &'static str, steps: u64) -> Self {
        Self::drawn(ProgressBar::new(steps).with_message(what), "{msg}  {bar:30} {human_pos}/{human_len}  {eta}")
    }

    fn drawn(bar: ProgressBar, template: &'static str) -> Self {
        if !WANTED.load(Ordering::Relaxed) || !std::io::stderr().is_terminal() {
            return Self(ProgressBar::hidden());
        }
        let style = ProgressStyle::with_template(template).expect("the templates are constants that tests draw");
        bar.set_style(style);
        bar.enable_steady_tick(Duration::from_millis(200));
        Self(bar)
    }

    /// So much more lies ahead.
    pub(crate) fn lengthen(&self, steps: u64) {
        self.0.inc_length(steps);
    }

    /// So much more is done.
    pub(crate) fn add(&self, steps: u64) {
        self.0.inc(steps);
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.0.finish_and_clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_templates_are_valid() {
        for template in ["{spinner} {msg}  {human_pos}  {elapsed}", "{msg}  {bar:30} {human_pos}/{human_len}  {eta}"] {
            assert!(ProgressStyle::with_template(template).is_ok());
        }
        Progress::bar("work", 3).add(1);
        Progress::spinner("work").add(1);
    }
}
