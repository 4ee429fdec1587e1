//! Which partition a key belongs to. Written down, since every process and every version has to agree.

/// The partition of a key, below `partitions`: FNV-1a of its UTF-8 bytes in 64 bits, the two halves xored, modulo the
/// number of partitions.
///
/// The standard library's hash is another one in each process, and may be another algorithm in its next version.
pub(super) fn partition_of(key: &str, partitions: u32) -> u32 {
    const OFFSET_BASIS: u64 = 0xcbf2_9ce4_8422_2325;
    const PRIME: u64 = 0x0000_0100_0000_01b3;
    let hash = key.bytes().fold(OFFSET_BASIS, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(PRIME));
    let folded = (hash >> 32) ^ (hash & 0xffff_ffff);
    u32::try_from(folded % u64::from(partitions.max(1))).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::partition_of;

    #[test]
    fn a_key_has_the_partition_that_it_always_had() {
        // FNV-1a of "a" is af63dc4c8601ec8c, and that of nothing is the offset basis.
        assert_eq!(partition_of("a", u32::MAX), 0xaf63_dc4c ^ 0x8601_ec8c);
        assert_eq!(partition_of("", u32::MAX), 0xcbf2_9ce4 ^ 0x8422_2325);
        let of_eight: Vec<u32> = (1..=8).map(|n| partition_of(&format!("account-{n}"), 8)).collect();
        assert_eq!(of_eight, [4, 1, 2, 7, 0, 5, 6, 3]);
    }

    #[test]
    fn keys_spread_over_all_partitions() {
        let mut counts = [0_u32; 8];
        for number in 0..8_000 {
            counts[partition_of(&format!("account-{number}"), 8) as usize] += 1;
        }
        assert!(counts.iter().all(|count| (800..1_200).contains(count)), "{counts:?}");
    }
}
