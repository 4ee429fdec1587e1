use serde::{Deserialize, Serialize};

/// How many partitions a group has. Whoever has one may go through all partitions, and read what is stored of each: a number that was
/// asked for is no greater than [`MAX`](Self::MAX), and neither is one that stands in a store, whoever wrote it there.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "u32", into = "u32")]
pub(in crate::consumer_group) struct PartitionCount(u32);

impl PartitionCount {
    /// Of a new group, where nothing else is said.
    pub(in crate::consumer_group) const DEFAULT: Self = Self(8);
    /// A member reads the state of every partition when it joins.
    const MAX: u32 = 1_024;
    /// The same for people, with the least.
    pub(in crate::consumer_group) const RANGE: &str = "between 1 and 1024";

    pub(in crate::consumer_group) fn get(self) -> u32 {
        self.0
    }
}

impl TryFrom<u32> for PartitionCount {
    type Error = NoPartitionCount;

    fn try_from(partitions: u32) -> Result<Self, NoPartitionCount> {
        if (1..=Self::MAX).contains(&partitions) {
            Ok(Self(partitions))
        } else {
            Err(NoPartitionCount(partitions))
        }
    }
}

impl From<PartitionCount> for u32 {
    fn from(partitions: PartitionCount) -> Self {
        partitions.0
    }
}

/// No group has so many partitions.
#[derive(Debug, thiserror::Error)]
#[error("a consumer group has {range} partitions, and not {0}", range = PartitionCount::RANGE)]
pub(in crate::consumer_group) struct NoPartitionCount(u32);

#[cfg(test)]
mod tests {
    use super::PartitionCount;

    #[test]
    fn a_number_that_no_group_has_is_read_from_no_store() {
        let (most, beyond) = (PartitionCount::MAX.to_string(), (PartitionCount::MAX + 1).to_string());
        for number in ["1", "8", &most] {
            let read: PartitionCount = serde_json::from_str(number).unwrap();
            assert_eq!(serde_json::to_string(&read).unwrap(), number);
        }
        for number in ["0", &beyond, "4294967295", "4294967296", "-1", "1.0", "null"] {
            assert!(serde_json::from_str::<PartitionCount>(number).is_err(), "{number}");
        }
        let refused = serde_json::from_str::<PartitionCount>(&beyond).unwrap_err().to_string();
        let range = format!("between 1 and {most} partitions, and not {beyond}");
        assert!(refused.contains(&range), "{refused}");
    }
}
