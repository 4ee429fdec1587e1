use eventstore_api::RecordedEvent;
use eventstore_codec::Names;

use super::VerifyProgress;
use crate::frames::{Frame, Malformed};

/// Someone who looks on while a store is gone through.
pub(super) trait Witness {
    /// How far it has come.
    fn progress(&mut self, _: VerifyProgress) {}

    /// A frame is whole.
    fn frame(&mut self, _: &Frame) {}

    /// An event of the archive is whole.
    fn event(&mut self, _: RecordedEvent) {}
}

/// Wants to know how far it has come.
pub(super) struct OfProgress<F>(pub(super) F);

impl<F: FnMut(VerifyProgress)> Witness for OfProgress<F> {
    fn progress(&mut self, progress: VerifyProgress) {
        (self.0)(progress);
    }
}

/// Wants every event, once.
pub(super) struct OfEvents<F> {
    pub(super) show: F,
    pub(super) names: Names,
    /// The position of the last one.
    pub(super) shown: u64,
}

impl<F: FnMut(RecordedEvent)> Witness for OfEvents<F> {
    fn frame(&mut self, frame: &Frame) {
        // Of what claims the same positions, the first counts.
        if frame.header.first_position <= self.shown {
            return;
        }
        let Self { show, names, .. } = self;
        let shown = frame.each_event::<Malformed>(|event| {
            show(event.to_recorded(names.stream(event.stream)?, names)?);
            Ok(())
        });
        debug_assert!(shown.is_ok(), "a frame that was taken up makes sense: {shown:?}");
        self.shown = frame.last_position();
    }

    fn event(&mut self, event: RecordedEvent) {
        if event.position.get() > self.shown {
            self.shown = event.position.get();
            (self.show)(event);
        }
    }
}
