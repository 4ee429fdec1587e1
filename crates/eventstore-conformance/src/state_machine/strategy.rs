//! Which operations are tried, and how often.

use eventstore_api::{DEFAULT_MAX_BYTES, Direction};
use proptest::{
    collection::{btree_map, vec},
    option,
    prelude::*,
};

use super::operation::{Demand, Filter, Guard, Happening, Operation, Plan, Write};

pub(crate) fn operations() -> impl Strategy<Value = Vec<Operation>> {
    vec(operation(), 1..40)
}

fn operation() -> impl Strategy<Value = Operation> {
    prop_oneof![
        12 => plan().prop_map(Operation::Append),
        3 => (0..30_usize).prop_map(|which| Operation::Retry { which }),
        1 => (0..30_usize).prop_map(|which| Operation::Reuse { which }),
        1 => (0..30_usize).prop_map(|which| Operation::Extend { which }),
        1 => (0..30_usize).prop_map(|which| Operation::Shorten { which }),
        3 => (0..4_usize, 0..8_u64, option::of(0..5_usize), max_bytes(), direction()).prop_map(
            |(stream, from, limit, max_bytes, direction)| {
                Operation::ReadStream { stream, from, limit, max_bytes, direction }
            }
        ),
        4 => (0..40_usize, 1..9_usize, max_bytes(), direction(), filter()).prop_map(
            |(from, limit, max_bytes, direction, filter)| {
                Operation::ReadAll { from, limit, max_bytes, direction, filter }
            }
        ),
        2 => (0..4_usize, 0..6_u64).prop_map(|(stream, version)| Operation::SaveSnapshot { stream, version }),
        1 => (0..4_usize).prop_map(|stream| Operation::ReadSnapshot { stream }),
        1 => (0..40_usize, filter(), 1..6_usize).prop_map(
            |(from, filter, page_size)| Operation::Subscribe { from, filter, page_size }
        ),
        3 => (0..4_usize, 1..6_usize).prop_map(|(which, at_most)| Operation::Hear { which, at_most }),
        1 => Just(Operation::Flush),
        1 => Just(Operation::Reopen),
    ]
}

fn plan() -> impl Strategy<Value = Plan> {
    // The streams of a batch are different ones: a map by stream, of which the last may turn into a guard.
    let parts = btree_map(0..4_usize, (guard(), vec(happening(), 1..4)), 1..4);
    (parts, any::<bool>(), option::weighted(0.3, (filter(), 0..40_usize))).prop_map(
        |(parts, last_is_guard, condition)| {
            let mut writes: Vec<Write> =
                parts.into_iter().map(|(stream, (guard, events))| Write { stream, guard, events }).collect();
            let mut guards = Vec::new();
            if last_is_guard && writes.len() > 1 {
                guards.extend(writes.pop().map(|write| (write.stream, write.guard)));
            }
            Plan { writes, guards, condition }
        },
    )
}

fn guard() -> impl Strategy<Value = Guard> {
    prop_oneof![
        4 => Just(Guard::Any),
        6 => Just(Guard::Near(0)),
        1 => (-2..=2_i64).prop_map(Guard::Near),
        1 => Just(Guard::NoStream),
        1 => Just(Guard::StreamExists),
    ]
}

fn happening() -> impl Strategy<Value = Happening> {
    (0..3_usize, 0..8_u8, 0..3_usize).prop_map(|(event_type, tags, length)| Happening {
        event_type,
        tags,
        length,
    })
}

fn filter() -> impl Strategy<Value = Filter> {
    let demand =
        (option::of(0..3_usize), option::weighted(0.3, 0..3_usize), prop_oneof![3 => 0..8_u8, 2 => Just(0)])
            .prop_map(|(event_type, prefix, tags)| Demand { event_type, prefix, tags });
    vec(demand, 0..3).prop_map(Filter)
}

/// Of a page: the payloads of a few events, or less than one, or more than all.
fn max_bytes() -> impl Strategy<Value = usize> {
    prop_oneof![3 => Just(DEFAULT_MAX_BYTES), 1 => Just(0), 3 => 1..200_usize]
}

fn direction() -> impl Strategy<Value = Direction> {
    prop_oneof![Just(Direction::Forward), Just(Direction::Backward)]
}
