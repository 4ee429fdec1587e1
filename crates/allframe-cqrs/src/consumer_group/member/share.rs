//! How many partitions each member should hold, and which it asks for first.

use crate::consumer_group::MemberId;

/// The share of one member. Everybody computes it from the same list, and comes to the same shares.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Share {
    /// How many partitions.
    pub(super) quota: usize,
    /// The one to ask for first: another one than the others, so that they seldom meet.
    pub(super) first: u32,
}

/// The share of a member among those that are alive, in their order; none for a member that is not among them.
pub(super) fn share_of(member: &MemberId, alive: &[MemberId], partitions: u32) -> Option<Share> {
    let place = alive.binary_search(member).ok()?;
    let (partitions, members) = (partitions as usize, alive.len());
    let (each, left_over) = (partitions / members, partitions % members);
    let first = each * place + place.min(left_over);
    Some(Share {
        quota: each + usize::from(place < left_over),
        first: u32::try_from(first).unwrap_or_default(),
    })
}

#[cfg(test)]
mod tests {
    use super::share_of;
    use crate::consumer_group::MemberId;

    #[test]
    fn the_shares_differ_by_one_at_most_and_cover_every_partition_once() {
        for members in 1..=12 {
            let alive: Vec<MemberId> =
                (10..10 + members).map(|n| MemberId::from_text(&n.to_string())).collect();
            let shares: Vec<_> = alive.iter().map(|member| share_of(member, &alive, 8).unwrap()).collect();
            let (least, most) = (8 / members, 8_usize.div_ceil(members));
            assert!(shares.iter().all(|share| (least..=most).contains(&share.quota)), "{shares:?}");
            let covered = shares.iter().fold(0, |next, share| {
                assert_eq!(share.first as usize, next);
                next + share.quota
            });
            assert_eq!(covered, 8);
        }
    }

    #[test]
    fn whoever_is_not_among_the_living_has_no_share() {
        assert_eq!(share_of(&MemberId::from_text("x"), &[MemberId::from_text("a")], 8), None);
    }
}
