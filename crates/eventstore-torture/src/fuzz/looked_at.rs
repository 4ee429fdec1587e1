//! Looking at whatever is in a directory without changing it: as a reader beside a writer does, as `verify` does, and as `salvage`.

use std::sync::Arc;

use eventstore_api::{GlobalPosition, ReadAll, RecordedEvent, StoreError, StreamId, StreamRange};
use eventstore_wal::{
    DiskReader,
    disk::{Disk, Open, faulty::FaultyDisk},
    salvage_disk,
};

use super::{Reached, forge::Files, measured::Measured};
use crate::violation::{Violation, ensure};

/// Reads a store in the ways that change nothing. To be refused is fine; to panic, to loop, to ask for more than there is or to
/// write is not.
pub(super) fn look_at(files: &Files) -> Result<Reached, Violation> {
    let disk = FaultyDisk::new();
    for (name, bytes) in files {
        let put = || disk.open(name, Open::Create)?.write_at(bytes, 0);
        put().map_err(|error| Violation::new(format!("cannot write {name}: {error}")))?;
    }
    let bytes = files.values().map(Vec::len).sum();
    let measured = Measured::new(disk.clone(), bytes);
    // An event takes more than its id.
    let most_events = bytes / 16 + 2;

    let mut saved = Vec::new();
    let salvaged = salvage_disk(Arc::new(measured.clone()), |event| saved.push(event));
    ensure(saved.len() <= most_events, || {
        format!("{} events are saved of a store of {bytes} bytes", saved.len())
    })?;
    if let Ok(report) = &salvaged {
        // Where positions come again, the first is shown.
        let (counted, shown) = (report.events, saved.len() as u64);
        ensure(shown == counted || (shown < counted && !report.is_sound()), || {
            format!("{counted} events are counted, and {shown} are shown")
        })?;
    }
    let read = read(&measured, most_events)?;
    if let (Ok(report), Some(Read { events, unproven })) = (&salvaged, &read)
        && report.is_sound()
    {
        ensure(events.iter().zip(&saved).all(|(read, saved)| read == saved), || {
            "a store that is sound shows one thing to a reader, and another to `salvage`".to_owned()
        })?;
        let unproven =
            unproven.as_ref().map_err(|error| Violation::new(format!("a sound store: {error}")))?;
        ensure((events.len() as u64).checked_add(*unproven) == Some(saved.len() as u64), || {
            let (read, saved) = (events.len(), saved.len());
            format!(
                "of {saved} events of a store that is sound {read} are read, and {unproven} are said to be left out"
            )
        })?;
    }
    measured.check()?;
    ensure(disk.contents() == *files, || "looking at it has changed it".to_owned())?;
    Ok(match (salvaged, read) {
        (Err(_), None) => Reached::Refused,
        (_, None) => Reached::Opened,
        (_, Some(_)) => Reached::Reopened,
    })
}

struct Read {
    events: Vec<RecordedEvent>,
    /// How many more the reader says that there are.
    unproven: Result<u64, StoreError>,
}

/// What a reader sees, up to where it is refused; nothing where it cannot open the store.
fn read(disk: &Measured, most_events: usize) -> Result<Option<Read>, Violation> {
    let Ok(reader) = DiskReader::open(Arc::new(disk.clone())) else { return Ok(None) };
    let mut events: Vec<RecordedEvent> = Vec::new();
    let mut query = ReadAll::forward();
    while let Ok(page) = reader.read_all(&query) {
        events.extend_from_slice(&page.events);
        ensure(events.len() <= most_events, || format!("more events than there can be: {query:?}"))?;
        if page.end_reached {
            break;
        }
        ensure(page.next > query.after, || format!("a page gets nowhere: {query:?}"))?;
        query = query.next_page(&page);
    }
    let _ = reader.read_all(&ReadAll::backward());
    let _ = reader.read_all(&ReadAll::after(GlobalPosition::END));
    let mut streams: Vec<&StreamId> = events.iter().map(|event| &event.stream).collect();
    streams.sort();
    streams.dedup();
    for stream in streams.into_iter().take(8) {
        for range in [StreamRange::all(), StreamRange::backward()] {
            let _ = reader.read_stream(stream, range);
        }
        let _ = reader.latest_snapshot(stream);
    }
    Ok(Some(Read { unproven: reader.unproven(), events }))
}
