//! Reads that go wrong.

use eventstore_api::{
    Direction, EventStoreBackend, GlobalPosition, Page, ReadAll, RecordedEvent, Result, StreamId, StreamPage,
    StreamRange, Version,
};

use super::{Broken, Fault, appending::trimmed};

impl Broken {
    pub(super) async fn read_stream_wrongly(
        &self,
        stream: &StreamId,
        range: StreamRange,
    ) -> Result<StreamPage> {
        let stream = if self.fault == Fault::TrimsStreamIds { &trimmed(stream) } else { stream };
        let mut page = match self.fault {
            Fault::IgnoresTheBytesOfAPageOfAStream => {
                self.inner.read_stream(stream, range.max_bytes(usize::MAX)).await?
            }
            Fault::SkipsAnEventBehindAPageOfAStream if range.after > Version::new(2) => {
                let mut range = range;
                range.after = match range.direction {
                    Direction::Forward => range.after.next(),
                    Direction::Backward => Version::new(range.after.get() - 1),
                };
                self.inner.read_stream(stream, range).await?
            }
            _ => self.inner.read_stream(stream, range).await?,
        };
        let bytes: usize = page.events.iter().map(|event| event.payload.len()).sum();
        match self.fault {
            Fault::GivesNoEventThatIsLargerThanAPage if bytes > range.max_bytes => page.events.clear(),
            Fault::TakesTheEndOfAPageForThatOfTheStream => page.end_reached = true,
            Fault::NeverComesToTheEndOfAStream => page.end_reached = false,
            _ => {}
        }
        let visible = self.visible().await?;
        let all = page.events.len();
        page.events = self.shown(page.events, visible);
        page.end_reached |= page.events.len() < all;
        Ok(page)
    }

    pub(super) async fn read_all_wrongly(&self, query: &ReadAll) -> Result<Page> {
        let visible = self.visible().await?;
        let mut page = match self.fault {
            Fault::LetsALateEventIn => {
                let hidden = self.memory.hidden.lock().unwrap();
                let mut page = futures_util::FutureExt::now_or_never(self.inner.read_all(query))
                    .expect("the reference backend never waits to read")?;
                page.events.retain(|event| !hidden.contains(&event.position));
                page
            }
            Fault::ReadsBackwardOffByOne if query.direction == Direction::Backward => {
                let mut query = query.clone();
                query.after = GlobalPosition::new(query.after.get().saturating_add(1));
                self.inner.read_all(&query).await?
            }
            Fault::IgnoresTheBytesOfAPage => {
                self.inner.read_all(&query.clone().max_bytes(usize::MAX)).await?
            }
            _ => self.inner.read_all(query).await?,
        };
        page.events = self.shown(page.events, visible);
        let forward = query.direction == Direction::Forward;
        match self.fault {
            Fault::SkipsAnEventAtThePageSeam if forward && !page.end_reached => {
                let next = self.inner.read_all(&ReadAll::after(page.next).limit(1)).await?;
                if let Some(skipped) = next.events.first() {
                    page.next = skipped.position;
                }
            }
            Fault::RepeatsAnEventAtThePageSeam if forward && page.events.len() > 1 => {
                page.next = page.events[page.events.len() - 2].position;
            }
            Fault::StopsBeforeTheEndOfAFilteredRead if !query.filter.is_all() => page.end_reached = true,
            _ => {}
        }
        Ok(page)
    }

    /// Up to where a stale view shows events: as far as they went when it was looked at last.
    async fn visible(&self) -> Result<GlobalPosition> {
        if self.fault != Fault::ReadsAStaleView {
            return Ok(GlobalPosition::END);
        }
        let head = self.inner.stats().await?.head;
        Ok(std::mem::replace(&mut *self.memory.visible.lock().unwrap(), head))
    }

    fn shown(&self, mut events: Vec<RecordedEvent>, visible: GlobalPosition) -> Vec<RecordedEvent> {
        events.retain(|event| event.position <= visible);
        let aliases = self.memory.aliases.lock().unwrap();
        for event in &mut events {
            if let Some(alias) = aliases.get(&event.id) {
                event.id = *alias;
            }
            if self.fault == Fault::RepeatsAVersion && event.version > Version::new(2) {
                event.version = Version::new(event.version.get() - 1);
            }
        }
        events
    }
}
