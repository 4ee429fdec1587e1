//! Taking a fuzzer's bytes for decisions.

/// What a fuzzer made, taken off the front. Beyond the end everything is zero, so that every input means something.
#[derive(Clone, Debug)]
pub(super) struct Input<'i>(&'i [u8]);

impl<'i> Input<'i> {
    pub(super) fn new(bytes: &'i [u8]) -> Self {
        Self(bytes)
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(super) fn byte(&mut self) -> u8 {
        u8::from_le_bytes(self.field())
    }

    /// Two bytes.
    pub(super) fn short(&mut self) -> usize {
        u16::from_le_bytes(self.field()).into()
    }

    /// So many bytes, fewer at the end.
    pub(super) fn bytes(&mut self, length: usize) -> &'i [u8] {
        let (taken, rest) = self.0.split_at(length.min(self.0.len()));
        self.0 = rest;
        taken
    }

    pub(super) fn rest(self) -> &'i [u8] {
        self.0
    }

    pub(super) fn field<const N: usize>(&mut self) -> [u8; N] {
        let mut field = [0; N];
        for (to, from) in field.iter_mut().zip(self.bytes(N)) {
            *to = *from;
        }
        field
    }
}
