//! What the memory answers, its file answers; and what a damaged file answers.

use std::sync::atomic::Ordering;

use eventstore_api::{Direction, EventId, EventType, StreamId, Tag, Tags, Version};
use proptest::{collection::vec, prelude::*};

use super::{
    ActiveIndex, FrameOffset, IndexOf, IndexedEvent, Previous, SegmentIndex, SegmentStart, Sidecar, Wait,
    hashes::Hashes, sidecar::SidecarError, test_disk::TestDisk,
};
use crate::disk::Disk as _;

const STORE: [u8; 16] = *b"a store of tests";
const SEGMENT: SegmentStart = SegmentStart::new(1_000);
/// Bytes of a sidecar's header.
const HEADER: usize = 188;
/// Names and ids that the model uses are fewer than this.
const NAMES: u8 = 12;

/// One frame: what it appends to which stream.
#[derive(Clone, Debug)]
struct Frame {
    /// How many units of 8 bytes it takes.
    units: u16,
    appends: Vec<(u8, Vec<Event>)>,
}

#[derive(Clone, Debug)]
struct Event {
    id: u8,
    event_type: u8,
    tags: Vec<u8>,
}

fn frames() -> impl Strategy<Value = Vec<Frame>> {
    let event = (any::<u8>(), 0..NAMES, vec(0..NAMES, 0..3)).prop_map(|(id, event_type, tags)| Event {
        id,
        event_type,
        tags,
    });
    let appends = vec((0..NAMES, vec(event, 1..4)), 1..3);
    vec((1_u16..3_000, appends).prop_map(|(units, appends)| Frame { units, appends }), 0..40)
}

/// All bits of a hash, a few, or none.
fn masks() -> impl Strategy<Value = u32> {
    prop_oneof![Just(u32::MAX), Just(0xc000_0001), Just(3), Just(0)]
}

fn stream(number: u8) -> StreamId {
    StreamId::new(format!("account-{number}")).unwrap()
}

fn id(number: u8) -> EventId {
    EventId::from_uuid(eventstore_api::reexports::uuid::Uuid::from_u128(u128::from(number) << 64))
}

fn event_type(number: u8) -> EventType {
    EventType::new(format!("Type{number}")).unwrap()
}

fn tag(number: u8) -> Tag {
    Tag::of("key", number).unwrap()
}

fn previous(number: u8) -> Previous {
    match number % 3 {
        0 => Previous::None,
        1 => Previous::Unknown,
        _ => Previous::Segment(SegmentStart::new(u64::from(number))),
    }
}

/// Where a frame lies and begins, with what was said in it.
struct Placed<'f> {
    offset: FrameOffset,
    first_position: u64,
    frame: &'f Frame,
}

fn place(frames: &[Frame]) -> Vec<Placed<'_>> {
    let mut units = 8;
    let mut position = SEGMENT.get();
    let mut placed = Vec::new();
    for frame in frames {
        let offset = FrameOffset::from_bytes(units * 8).unwrap();
        placed.push(Placed { offset, first_position: position, frame });
        units += u64::from(frame.units);
        position += frame.appends.iter().map(|(_, events)| events.len() as u64).sum::<u64>();
    }
    placed
}

fn note(index: &ActiveIndex, frames: &[Placed<'_>]) {
    for Placed { offset, first_position, frame } in frames {
        index.note_frame(*offset, *first_position);
        for (name, events) in &frame.appends {
            let types: Vec<_> = events.iter().map(|event| event_type(event.event_type)).collect();
            let tags: Vec<_> =
                events.iter().map(|event| Tags::new(event.tags.iter().copied().map(tag)).unwrap()).collect();
            let stream = stream(*name);
            let known = index.stream(&stream, Wait::Never).unwrap();
            let first_version =
                known.map_or(Version::new(u64::from(*name) * 1_000 + 1), |part| part.last_version().next());
            let events = events.iter().zip(&types).zip(&tags);
            let events =
                events.map(|((event, event_type), tags)| IndexedEvent { id: id(event.id), event_type, tags });
            index.note_append(*offset, &stream, first_version, || previous(*name), events);
        }
    }
}

fn active(frames: &[Placed<'_>], mask: u32) -> ActiveIndex {
    let index = ActiveIndex::with_room(Hashes::masked(&STORE, mask), SEGMENT, 0);
    note(&index, frames);
    index
}

fn write(disk: &TestDisk, index: &ActiveIndex) {
    Sidecar::write(disk, &STORE, (SEGMENT, IndexOf::Segment), 4_096, 2_000, index).unwrap();
}

fn open(disk: &TestDisk, mask: u32) -> Result<Sidecar, SidecarError> {
    Sidecar::open_with_hashes(disk, &STORE, Hashes::masked(&STORE, mask), SEGMENT, IndexOf::Segment)
}

/// All answers of an index, as text, to every question the model can ask.
fn answers(index: &dyn SegmentIndex, how: Wait) -> std::io::Result<Vec<String>> {
    let mut all = vec![format!("{:?} {} {}", index.greatest_id(), index.event_count(), index.stream_count())];
    for name in 0..NAMES {
        let stream = stream(name);
        if let Some(part) = index.stream(&stream, how)? {
            all.push(format!(
                "{stream} {} {} {:?} {:?}",
                part.first_version,
                part.count,
                part.previous,
                part.last_version()
            ));
            for (first, count) in [(0, u32::MAX), (1, 2), (part.count - 1, 5), (part.count, 1), (u32::MAX, 1)]
            {
                all.push(format!("{:?}", index.stream_frames(&part, first, count, how)?));
            }
        }
        for number in 0..=u8::MAX {
            let frames = index.frames_with_id(&stream, id(number), how)?;
            all.extend((!frames.is_empty()).then(|| format!("{stream} {number} {frames:?}")));
        }
        let part = index.event_type(&event_type(name), how)?;
        all.push(format!("{name} {part:?}"));
        for direction in [Direction::Forward, Direction::Backward] {
            for most in [0, 1, 3, usize::MAX] {
                for within in [(0, u32::MAX), (8, 20_000), (9_000, 30_000), (20, 10)] {
                    let [first, last] = [within.0, within.1].map(FrameOffset::from_units);
                    let frames = index.frames_with_tag(&tag(name), first..=last, direction, most, how)?;
                    all.push(format!("{name} {within:?} {frames:?}"));
                }
            }
        }
    }
    let mut types = Vec::new();
    index.event_types(&mut |name, part| types.push(format!("{name} {part:?}")), how)?;
    types.sort_unstable();
    all.append(&mut types);
    for position in (0..1_300).chain([u64::from(u32::MAX) + 2_000, u64::MAX]) {
        all.push(format!("{position} {:?}", index.frame_at_or_before(position, how)?));
    }
    Ok(all)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn a_sidecar_answers_what_the_memory_answered(frames in frames(), mask in masks()) {
        let index = active(&place(&frames), mask);
        let expected = answers(&index, Wait::Allowed).unwrap();

        let disk = TestDisk::default();
        write(&disk, &index);
        let sidecar = open(&disk, mask).unwrap();
        prop_assert_eq!(answers(&sidecar, Wait::Allowed).unwrap(), &expected[..]);
        prop_assert_eq!((sidecar.covers(), sidecar.last_position()), (4_096, 2_000));

        let mut streams = Vec::new();
        sidecar.streams(&mut |name, part| streams.push((name.to_owned(), part))).unwrap();
        prop_assert_eq!(streams.len() as u64, index.stream_count());
        for (name, part) in streams {
            let name = StreamId::new(name).unwrap();
            prop_assert_eq!(sidecar.stream(&name, Wait::Allowed).unwrap(), Some(part));
        }
    }

    #[test]
    fn an_index_that_was_loaded_goes_on_as_if_it_had_stayed(
        frames in frames(),
        split in any::<prop::sample::Index>(),
        mask in masks(),
    ) {
        let placed = place(&frames);
        let (before, after) = placed.split_at(split.index(placed.len() + 1));
        let disk = TestDisk::default();
        write(&disk, &active(before, mask));
        let loaded = open(&disk, mask).unwrap().to_active().unwrap();
        note(&loaded, after);

        let whole = active(&placed, mask);
        prop_assert_eq!(answers(&loaded, Wait::Never).unwrap(), answers(&whole, Wait::Never).unwrap());
        write(&disk, &loaded);
        let again = disk.bytes(&SEGMENT.index_name());
        write(&disk, &whole);
        prop_assert_eq!(again, disk.bytes(&SEGMENT.index_name()), "the same events give the same bytes");
    }

    #[test]
    fn no_frame_that_holds_what_is_asked_for_is_left_out(frames in frames(), mask in masks()) {
        let placed = place(&frames);
        let index = active(&placed, mask);
        let everywhere = FrameOffset::MIN..=FrameOffset::MAX;
        for Placed { offset, first_position, frame } in &placed {
            let from = index.frame_at_or_before(*first_position, Wait::Never).unwrap().unwrap();
            prop_assert!(from <= *offset && offset.bytes() - from.bytes() < 16 << 10);
            for (name, events) in &frame.appends {
                let part = index.stream(&stream(*name), Wait::Never).unwrap().unwrap();
                let all = index.stream_frames(&part, 0, part.count, Wait::Never).unwrap();
                prop_assert!(all.is_sorted());
                prop_assert!(all.iter().filter(|found| *found == offset).count() >= events.len());
                for event in events {
                    let frames = index.frames_with_id(&stream(*name), id(event.id), Wait::Never).unwrap();
                    prop_assert!(frames.contains(offset));
                    let part = index.event_type(&event_type(event.event_type), Wait::Never).unwrap().unwrap();
                    prop_assert!((part.first..=part.last).contains(offset));
                    for number in &event.tags {
                        let frames = index.frames_with_tag(
                            &tag(*number), everywhere.clone(), Direction::Forward, usize::MAX, Wait::Never,
                        ).unwrap();
                        prop_assert!(frames.contains(offset));
                        prop_assert!(frames.is_sorted_by(|one, next| one < next));
                    }
                }
            }
        }
    }

    #[test]
    fn arbitrary_bytes_are_no_sidecar(bytes in vec(any::<u8>(), 0..400)) {
        let disk = TestDisk::default();
        disk.put(&SEGMENT.index_name(), bytes);
        prop_assert!(open(&disk, u32::MAX).is_err());
    }

    #[test]
    fn sections_that_say_anything_lead_to_no_panic(
        frames in frames(),
        garbage in vec((any::<prop::sample::Index>(), any::<u8>()), 1..20),
    ) {
        let disk = TestDisk::default();
        write(&disk, &active(&place(&frames), u32::MAX));
        let mut bytes = disk.bytes(&SEGMENT.index_name());
        let body = bytes.len() - HEADER;
        prop_assume!(body > 0);
        for (at, byte) in garbage {
            bytes[HEADER + at.index(body)] = byte;
        }
        make_checksums_match(&mut bytes);
        disk.put(&SEGMENT.index_name(), bytes);
        let sidecar = open(&disk, u32::MAX).unwrap();
        // Whatever they are, answers come to an end.
        let _ = answers(&sidecar, Wait::Allowed);
        let _ = sidecar.streams(&mut |_, _| {});
        let _ = sidecar.to_active();
    }
}

/// Makes a sidecar that was changed look as if it had been written so.
fn make_checksums_match(bytes: &mut [u8]) {
    let mut begin = HEADER;
    for number in 0..9_u8 {
        let entry = 76 + 12 * usize::from(number);
        let length = u64::from_le_bytes(bytes[entry..entry + 8].try_into().unwrap());
        let end = begin + usize::try_from(length).unwrap();
        let mut seed = STORE.to_vec();
        seed.extend_from_slice(&SEGMENT.get().to_le_bytes());
        seed.push(number);
        let mut hasher = crc32fast::Hasher::new_with_initial(crc32fast::hash(&seed));
        hasher.update(&bytes[begin..end]);
        bytes[entry + 8..entry + 12].copy_from_slice(&hasher.finalize().to_le_bytes());
        begin = end;
    }
    let checksum = crc32fast::hash(&bytes[..HEADER - 4]);
    bytes[HEADER - 4..HEADER].copy_from_slice(&checksum.to_le_bytes());
}

fn small() -> Vec<Frame> {
    let event = |number| Event { id: number, event_type: number % 2, tags: vec![number % 3] };
    (0..3)
        .map(|number| Frame {
            units: 2_100,
            appends: vec![(number % 2, vec![event(number), event(number + 7)])],
        })
        .collect()
}

#[test]
fn every_flipped_bit_of_a_sidecar_is_noticed() {
    let disk = TestDisk::default();
    let frames = small();
    write(&disk, &active(&place(&frames), u32::MAX));
    let whole = disk.bytes(&SEGMENT.index_name());
    for bit in 0..whole.len() * 8 {
        let mut bytes = whole.clone();
        bytes[bit / 8] ^= 1 << (bit % 8);
        disk.put(&SEGMENT.index_name(), bytes);
        match open(&disk, u32::MAX) {
            Err(_) => assert!(bit < HEADER * 8, "only the header is looked at when it is opened"),
            Ok(sidecar) => {
                let error = answers(&sidecar, Wait::Allowed).expect_err("a flipped bit");
                assert_eq!(error.kind(), std::io::ErrorKind::InvalidData, "{error}");
            }
        }
    }
}

#[test]
fn every_prefix_of_a_sidecar_is_refused() {
    let disk = TestDisk::default();
    write(&disk, &active(&place(&small()), u32::MAX));
    let whole = disk.bytes(&SEGMENT.index_name());
    for length in 0..whole.len() {
        disk.put(&SEGMENT.index_name(), whole[..length].to_vec());
        assert!(matches!(open(&disk, u32::MAX), Err(SidecarError::Damaged { .. })), "{length}");
    }
    let mut longer = whole;
    longer.push(0);
    disk.put(&SEGMENT.index_name(), longer);
    assert!(matches!(open(&disk, u32::MAX), Err(SidecarError::Damaged { .. })));
}

#[test]
fn a_sidecar_that_belongs_elsewhere_says_so() {
    let disk = TestDisk::default();
    write(&disk, &active(&place(&small()), u32::MAX));
    let other_store = Sidecar::open(&disk, b"another store...", SEGMENT, IndexOf::Segment).unwrap_err();
    assert!(matches!(other_store, SidecarError::OtherStore { .. }));

    let other = SegmentStart::new(7);
    disk.rename(&SEGMENT.index_name(), &other.index_name()).unwrap();
    let other_segment = Sidecar::open(&disk, &STORE, other, IndexOf::Segment).unwrap_err();
    assert_eq!(other_segment.to_string(), "the index 00000000000000000007.idx belongs to segment 1000");

    let none = Sidecar::open(&disk, &STORE, SEGMENT, IndexOf::Segment).unwrap_err();
    assert!(matches!(none, SidecarError::Io { source, .. } if source.kind() == std::io::ErrorKind::NotFound));
}

#[test]
fn a_later_format_version_is_named() {
    let disk = TestDisk::default();
    write(&disk, &active(&place(&small()), u32::MAX));
    let mut bytes = disk.bytes(&SEGMENT.index_name());
    bytes[8] = 2;
    make_checksums_match(&mut bytes);
    disk.put(&SEGMENT.index_name(), bytes);
    let error = open(&disk, u32::MAX).unwrap_err();
    assert!(matches!(error, SidecarError::UnknownVersion { version: 2, .. }), "{error}");
}

#[test]
fn a_look_up_that_must_not_wait_does_not() {
    let disk = TestDisk::default();
    let index = active(&place(&small()), u32::MAX);
    write(&disk, &index);
    let sidecar = open(&disk, u32::MAX).unwrap();
    let would_wait = |sidecar: &Sidecar| {
        let error = answers(sidecar, Wait::Never).expect_err("it is not in memory");
        assert_eq!(error.kind(), std::io::ErrorKind::WouldBlock);
    };
    disk.set_cached(true);
    // No section was found whole yet: that takes reading all of it.
    would_wait(&sidecar);
    let expected = answers(&sidecar, Wait::Allowed).unwrap();
    assert_eq!(answers(&sidecar, Wait::Never).unwrap(), expected);
    disk.set_cached(false);
    would_wait(&sidecar);
}

#[test]
fn a_look_up_in_a_large_sidecar_takes_a_few_reads() {
    const STREAMS: u32 = 100_000;
    let index = ActiveIndex::new(&STORE, SEGMENT);
    let opened = EventType::new("AccountOpened").unwrap();
    let name = |number| StreamId::new(format!("account-{number}")).unwrap();
    let id = |number: u32| {
        EventId::from_uuid(eventstore_api::reexports::uuid::Uuid::from_u128(u128::from(number)))
    };
    let tag = |number| Tag::of("owner", number).unwrap();
    for number in 0..STREAMS {
        let offset = FrameOffset::from_units(8 + number * 16);
        index.note_frame(offset, SEGMENT.get() + u64::from(number));
        // One tag that every tenth event carries, among tags that few carry: uneven hashes.
        let tags = Tags::new([tag(number / 3), tag(if number % 10 == 0 { 0 } else { number })]).unwrap();
        let event = IndexedEvent { id: id(number), event_type: &opened, tags: &tags };
        index.note_append(offset, &name(number), Version::new(1), || Previous::None, [event]);
    }
    let disk = TestDisk::default();
    write(&disk, &index);
    let sidecar = Sidecar::open(&disk, &STORE, SEGMENT, IndexOf::Segment).unwrap();
    sidecar.streams(&mut |_, _| {}).unwrap();

    // Finds every section whole, which is not counted.
    let everywhere = FrameOffset::MIN..=FrameOffset::MAX;
    let look = |number: u32| {
        let offset = FrameOffset::from_units(8 + number * 16);
        disk.take_reads();
        let part = sidecar.stream(&name(number), Wait::Allowed).unwrap().unwrap();
        let stream = disk.take_reads();
        assert_eq!(sidecar.stream_frames(&part, 0, 9, Wait::Allowed).unwrap(), [offset]);
        let frames = disk.take_reads();
        assert!(sidecar.frames_with_id(&name(number), id(number), Wait::Allowed).unwrap().contains(&offset));
        let id = disk.take_reads();
        let from = offset..=*everywhere.end();
        let found =
            sidecar.frames_with_tag(&tag(number / 3), from, Direction::Forward, 1, Wait::Allowed).unwrap();
        assert_eq!(found, [offset]);
        let tag = disk.take_reads();
        let position = SEGMENT.get() + u64::from(number);
        assert!(sidecar.frame_at_or_before(position, Wait::Allowed).unwrap().unwrap() <= offset);
        [stream, frames, id, tag, disk.take_reads()]
    };
    look(0);
    let mut sums = [0; 5];
    let looks = (0..STREAMS).step_by(97);
    for number in looks.clone() {
        let reads = look(number);
        for (sum, reads) in sums.iter_mut().zip(reads) {
            assert!(reads <= 4, "{reads} reads for one look-up");
            *sum += reads;
        }
    }
    // A key and a record; an entry; the key of an id; that of a tag, and its frames; the key of a position.
    for (sum, most) in sums.into_iter().zip([2.1, 1.0, 1.1, 2.1, 1.1]) {
        let mean = f64::from(u32::try_from(sum).unwrap()) / f64::from(u32::try_from(looks.len()).unwrap());
        assert!(mean <= most, "{mean} reads for a look-up, of {sums:?}");
    }
}

#[test]
fn an_index_that_does_not_hold_what_it_says_is_not_believed() {
    for too_many in [0, 1] {
        let index = ActiveIndex::new(&STORE, SEGMENT);
        let (opened, tags) = (event_type(0), Tags::new([tag(1)]).unwrap());
        let event = IndexedEvent { id: id(1), event_type: &opened, tags: &tags };
        let (offset, first) = (FrameOffset::from_units(8), Version::new(1));
        index.note_append(offset, &stream(1), first, || Previous::None, [event]);
        index.events.fetch_add(too_many, Ordering::Relaxed);
        let disk = TestDisk::default();
        Sidecar::write(&disk, &STORE, (SEGMENT, IndexOf::Segment), 4_096, 1_000, &index).unwrap();
        let sidecar = open(&disk, u32::MAX).unwrap();
        let is_right = too_many == 0;
        assert_eq!(sidecar.begun().ok(), is_right.then_some(Some(1)));
        assert_eq!(sidecar.to_active().is_ok(), is_right);
        assert_eq!(sidecar.fits(4_096, 1_000), is_right);
        assert!(!sidecar.fits(4_088, 1_000) && !sidecar.fits(4_096, u64::MAX) && !sidecar.fits(4_096, 1));
    }
}
