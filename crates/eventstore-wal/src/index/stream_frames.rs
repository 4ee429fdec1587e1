use super::FrameOffset;

/// The frames of a stream's events. Most streams have few events in a segment: these take no memory of their own.
pub(super) enum StreamFrames {
    Few { count: u8, frames: [FrameOffset; FEW] },
    Many(Vec<FrameOffset>),
}

/// As many as fit beside the count where a `Vec` would be.
const FEW: usize = 3;
const _: () = assert!(size_of::<StreamFrames>() == size_of::<Vec<FrameOffset>>());

impl StreamFrames {
    pub(super) const fn new() -> Self {
        Self::Few { count: 0, frames: [FrameOffset::MIN; FEW] }
    }

    pub(super) fn as_slice(&self) -> &[FrameOffset] {
        match self {
            Self::Few { count, frames } => frames.get(..usize::from(*count)).unwrap_or_default(),
            Self::Many(frames) => frames,
        }
    }

    pub(super) fn push(&mut self, frame: FrameOffset) {
        match self {
            Self::Many(frames) => frames.push(frame),
            Self::Few { count, frames } => match frames.get_mut(usize::from(*count)) {
                Some(free) => {
                    *free = frame;
                    *count += 1;
                }
                None => {
                    let mut many = Vec::with_capacity(4 * FEW);
                    many.extend_from_slice(frames);
                    many.push(frame);
                    *self = Self::Many(many);
                }
            },
        }
    }
}

impl Extend<FrameOffset> for StreamFrames {
    fn extend<T: IntoIterator<Item = FrameOffset>>(&mut self, frames: T) {
        for frame in frames {
            self.push(frame);
        }
    }
}

impl FromIterator<FrameOffset> for StreamFrames {
    fn from_iter<T: IntoIterator<Item = FrameOffset>>(frames: T) -> Self {
        let mut all = Self::new();
        all.extend(frames);
        all
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn few_or_many_they_are_as_they_were_added() {
        let all: Vec<_> = (0..20).map(FrameOffset::from_units).collect();
        for count in 0..all.len() {
            let frames: StreamFrames = all[..count].iter().copied().collect();
            assert_eq!(frames.as_slice(), &all[..count]);
        }
    }
}
