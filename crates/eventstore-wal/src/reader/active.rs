use std::sync::Arc;

use eventstore_codec::Names;

use crate::{
    catalog::{Before, Catalog, take_up},
    damage::{Damage, Failure},
    format::FrameFault,
    index::{ActiveIndex, Previous, Sidecar, Wait},
    log::recovery::{
        ScanEnd,
        scan::{read_segment_header, scan_on},
    },
    segment::Segment,
};

/// The segment that is followed.
#[derive(Debug)]
pub(super) struct Active {
    pub(super) segment: Arc<Segment>,
    pub(super) index: Index,
    pub(super) end: ScanEnd,
}

/// What knows where its events are.
#[derive(Debug)]
pub(super) enum Index {
    InMemory(Arc<ActiveIndex>),
    /// As a clean close left it, of all that is taken up. Nobody has written on, and maybe nobody will.
    Beside(Arc<Sidecar>),
}

impl Active {
    /// Takes up the frames up to this offset.
    pub(super) fn scan(&mut self, catalog: &Catalog, bound: u64, wait: Wait) -> Result<(), Failure> {
        if self.end.offset >= bound {
            return Ok(());
        }
        catalog.settle(wait)?;
        let index = self.in_memory(catalog, wait)?;
        let Self { segment, end, .. } = self;
        let mut names = Names::new();
        scan_on(segment, end, bound, wait, |frame| {
            let taken_up = catalog.take_up(segment.start, &index, frame, &mut names);
            taken_up.map_err(|why| segment.damage(frame.offset, why).into())
        })
    }

    /// The index where more can be added to it.
    fn in_memory(&mut self, catalog: &Catalog, wait: Wait) -> Result<Arc<ActiveIndex>, Failure> {
        let beside = match &self.index {
            Index::InMemory(index) => return Ok(Arc::clone(index)),
            Index::Beside(_) if wait == Wait::Never => return Err(Failure::WouldWait),
            Index::Beside(index) => index,
        };
        // It may be long since it was found whole.
        let index = match beside.check_sections().and_then(|()| beside.to_active()) {
            Ok(index) => index,
            Err(_) => self.index_made_anew(catalog)?,
        };
        Ok(self.put_index(index))
    }

    /// Makes an index anew that is beside the segment, and damaged.
    pub(super) fn replace_damaged_index(&mut self, catalog: &Catalog) -> Result<(), Failure> {
        match &self.index {
            Index::Beside(index) if index.check_sections().is_err() => {
                let index = self.index_made_anew(catalog)?;
                self.put_index(index);
                Ok(())
            }
            _ => Ok(()),
        }
    }

    fn put_index(&mut self, index: ActiveIndex) -> Arc<ActiveIndex> {
        let index = Arc::new(index);
        self.segment.replace_index(index.clone());
        self.index = Index::InMemory(Arc::clone(&index));
        index
    }

    /// From the frames that are taken up.
    fn index_made_anew(&self, catalog: &Catalog) -> Result<ActiveIndex, Failure> {
        let (_, checksum) = read_segment_header(&self.segment, catalog.store)?;
        let index = ActiveIndex::new(catalog.store.as_bytes(), self.segment.start);
        // Where its streams begin is not known from its frames alone.
        let unknown = |_: &str| Before { version: None, previous: Previous::Unknown };
        let mut end = ScanEnd::at_the_beginning(&self.segment, checksum);
        let mut names = Names::new();
        scan_on(&self.segment, &mut end, self.end.offset, Wait::Allowed, |frame| {
            let taken_up = take_up(frame, &index, &mut names, unknown, |_, _| {});
            taken_up.map_err(|why| self.segment.damage(frame.offset, why).into())
        })?;
        // All of it, or what is missing would be missed by nobody.
        if end.offset == self.end.offset {
            return Ok(index);
        }
        Err(self.segment.damage(end.offset, end.fault.unwrap_or(FrameFault::OutOfLine)).into())
    }

    /// What is wrong where something else stands than a frame.
    pub(super) fn damaged(&self, fault: FrameFault, bound: u64, is_last: bool) -> Damage {
        let offset = self.end.offset;
        let detail = match is_last {
            true => format!("{fault}, but the log had been durable through byte {bound}"),
            false => format!("{fault}, but there is a segment behind this one"),
        };
        self.segment.damage(offset, detail)
    }
}
