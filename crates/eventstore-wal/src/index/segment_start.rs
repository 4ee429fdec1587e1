use std::fmt;

/// The position of a segment's first event, by which the segment is named.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct SegmentStart(u64);

/// As many digits as the largest position has, so that names sort like positions.
const DIGITS: usize = 20;
const SEGMENT: &str = ".wal";
const INDEX: &str = ".idx";
const PART: &str = ".parquet";
const PART_INDEX: &str = ".parquet.idx";

impl SegmentStart {
    /// The segment that begins with this position.
    pub(crate) const fn new(position: u64) -> Self {
        Self(position)
    }

    /// The position.
    pub(crate) const fn get(self) -> u64 {
        self.0
    }

    /// The name of the segment's file.
    pub(crate) fn file_name(self) -> String {
        format!("{:0DIGITS$}{SEGMENT}", self.0)
    }

    /// The name of its sidecar.
    pub(crate) fn index_name(self) -> String {
        format!("{:0DIGITS$}{INDEX}", self.0)
    }

    /// The name of the part that takes the segment's place in the archive.
    pub(crate) fn part_name(self) -> String {
        format!("{:0DIGITS$}{PART}", self.0)
    }

    /// The name of the index beside that part.
    pub(crate) fn part_index_name(self) -> String {
        format!("{:0DIGITS$}{PART_INDEX}", self.0)
    }

    /// The segment whose file has this name; `None` when it is not the name of a segment.
    pub(crate) fn parse(name: &str) -> Option<Self> {
        Self::parse_digits(name.strip_suffix(SEGMENT)?)
    }

    /// The segment whose sidecar has this name; `None` when it is not the name of a sidecar.
    pub(crate) fn parse_index(name: &str) -> Option<Self> {
        Self::parse_digits(name.strip_suffix(INDEX)?)
    }

    /// The segment whose part has this name; `None` when it is not the name of a part.
    pub(crate) fn parse_part(name: &str) -> Option<Self> {
        Self::parse_digits(name.strip_suffix(PART)?)
    }

    /// The segment whose part has an index of this name; `None` when it is not the name of one.
    pub(crate) fn parse_part_index(name: &str) -> Option<Self> {
        Self::parse_digits(name.strip_suffix(PART_INDEX)?)
    }

    fn parse_digits(digits: &str) -> Option<Self> {
        // `u64::from_str` would take a sign.
        if digits.len() != DIGITS || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
            return None;
        }
        // There is no position 0.
        digits.parse().ok().filter(|start| *start > 0).map(Self)
    }
}

impl fmt::Display for SegmentStart {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

#[cfg(test)]
mod tests {
    use super::SegmentStart;

    #[test]
    fn names_sort_like_positions_and_are_read_back() {
        let starts = [1, 9, 10, 12_345, u64::MAX].map(SegmentStart::new);
        let names = starts.map(SegmentStart::file_name);
        assert_eq!(names[3], "00000000000000012345.wal");
        assert!(names.is_sorted());
        for start in starts {
            assert_eq!(SegmentStart::parse(&start.file_name()), Some(start));
            assert_eq!(SegmentStart::parse_index(&start.index_name()), Some(start));
            assert_eq!(SegmentStart::parse_part(&start.part_name()), Some(start));
            assert_eq!(SegmentStart::parse_part_index(&start.part_index_name()), Some(start));
            assert_eq!(SegmentStart::parse_index(&start.part_index_name()), None);
        }
    }

    #[test]
    fn other_names_are_no_segments() {
        for name in [
            "",
            ".wal",
            "1.wal",
            "00000000000000012345",
            "00000000000000012345.idx",
            "00000000000000012345.wal.new",
            "+0000000000000012345.wal",
            "00000000000000000000.wal",
            "99999999999999999999.wal",
            "0000000000000001234\u{663}.wal",
        ] {
            assert_eq!(SegmentStart::parse(name), None, "{name}");
        }
    }
}
