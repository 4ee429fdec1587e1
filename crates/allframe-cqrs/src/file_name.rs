//! Names of events as names of files.

use std::fmt::Write as _;

/// The name with everything as `%XX` that the name of a file may not hold on some system.
pub(crate) fn file_name(name: &str) -> String {
    name.bytes().fold(String::new(), |mut file_name, byte| {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'.' => file_name.push(char::from(byte)),
            // Writing to a text does not fail.
            _ => drop(write!(file_name, "%{byte:02X}")),
        }
        file_name
    })
}

#[cfg(test)]
mod tests {
    use super::file_name;

    #[test]
    fn what_no_file_may_be_called_is_written_in_hexadecimal() {
        assert_eq!(file_name("user.Opened-2_b"), "user.Opened-2_b");
        assert_eq!(file_name("a/b\\c:%é"), "a%2Fb%5Cc%3A%25%C3%A9");
    }
}
