//! What is said elsewhere of a segment, held against what is found in it.

use super::SegmentCheck;
use crate::{format::SEGMENT_HEADER_BYTES, verify::witness::Witness};

impl<W: Witness> SegmentCheck<'_, W> {
    pub(super) fn meet_claims(&mut self) {
        let (offset, head) = (self.offset, self.head);
        self.claims.retain(|claim| {
            if claim.offset == offset && claim.head != head {
                let detail = format!(
                    "it says that position {} is the last one before byte {offset} of {}, where it is {head}",
                    claim.head, self.segment.described,
                );
                self.all.claim_is_wrong(claim, detail);
            }
            claim.offset != offset
        });
    }

    /// What is left of what is said of the segment, when all of it was gone through.
    pub(super) fn check_claims(&mut self) {
        for claim in std::mem::take(&mut self.claims) {
            let is_beginning = claim.offset == SEGMENT_HEADER_BYTES as u64;
            if !is_beginning {
                let detail = format!(
                    "it speaks of byte {} of {}, where no frame ends",
                    claim.offset, self.segment.described
                );
                self.all.claim_is_wrong(&claim, detail);
            }
        }
    }
}
