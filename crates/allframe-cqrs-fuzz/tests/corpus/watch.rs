//! Who looks at the time from outside. What loops gives nobody else a turn on its thread, and no limit that is set there is looked at.

use std::{
    sync::mpsc::{self, RecvTimeoutError, Sender},
    thread,
    time::Duration,
};

/// Looks at how long it takes what is done under it, one thing after the other.
pub(crate) struct Watch<T> {
    /// What begins; nothing where it has ended.
    told: Sender<Option<T>>,
}

impl<T: Send + 'static> Watch<T> {
    /// What takes longer than this is told, while it still goes on.
    pub(crate) fn new(limit: Duration, too_long: impl Fn(T) + Send + 'static) -> Self {
        let (told, heard) = mpsc::channel::<Option<T>>();
        thread::spawn(move || {
            let mut under_way = None;
            loop {
                let next = match under_way {
                    None => heard.recv().map_err(|_| RecvTimeoutError::Disconnected),
                    Some(_) => heard.recv_timeout(limit),
                };
                match (next, under_way.take()) {
                    (Ok(next), _) => under_way = next,
                    (Err(RecvTimeoutError::Timeout), Some(late)) => too_long(late),
                    (Err(_), _) => return,
                }
            }
        });
        Self { told }
    }

    /// Does it under the watch, which knows it as this.
    pub(crate) fn over<R>(&self, what: T, work: impl FnOnce() -> R) -> R {
        // Where nobody hears it, the watch has told of something else, and whoever heard that ends.
        let _ = self.told.send(Some(what));
        let done = work();
        let _ = self.told.send(None);
        done
    }
}

#[test]
fn what_comes_to_no_end_is_told_while_it_goes_on() {
    let (told, late) = mpsc::channel();
    let watch = Watch::new(Duration::from_millis(1), move |what| told.send(what).unwrap());
    // It ends because it is told.
    let heard = watch.over("a loop", || late.recv_timeout(Duration::from_secs(60)));
    assert_eq!(heard, Ok("a loop"));
}

#[test]
fn what_ends_in_time_is_not_told() {
    let (told, late) = mpsc::channel();
    let watch = Watch::new(Duration::from_secs(3_600), move |what| told.send(what).unwrap());
    watch.over("a moment", || ());
    drop(watch);
    assert!(late.recv().is_err(), "until the watch has ended, which could tell");
}
