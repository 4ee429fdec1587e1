//! What the child says and the parent hears: a line each.

use std::{fmt, io::Write, str::FromStr};

use crate::plan::Name;

/// One line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Said {
    /// It has the store.
    Open,
    /// An append, and for each of its streams the version and the position of the first event.
    Acknowledged(Name, Vec<(u64, u64)>),
    /// An append whose guard or condition did not hold.
    Refused(Name),
    /// A saga.
    Begun(String),
    /// A snapshot: of which stream, and its version.
    Kept(u64, u64),
    /// The reader of everything: up to which position, how many events, and the hash of them.
    Seen(u64, u64, u64),
    /// The consumer group: an event of an account, and its version.
    Handled(u64, u64),
}

/// Says it at once: what is said is known outside, whatever becomes of the process.
pub(crate) fn say(what: &Said) -> anyhow::Result<()> {
    let mut output = std::io::stdout().lock();
    writeln!(output, "{what}")?;
    Ok(output.flush()?)
}

impl fmt::Display for Said {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Open => f.write_str("open"),
            Self::Acknowledged(name, places) => {
                write!(f, "acknowledged {name}")?;
                places.iter().try_for_each(|(version, position)| write!(f, " {version} {position}"))
            }
            Self::Refused(name) => write!(f, "refused {name}"),
            Self::Begun(saga) => write!(f, "begun {saga}"),
            Self::Kept(stream, version) => write!(f, "kept {stream} {version}"),
            Self::Seen(position, events, hash) => write!(f, "seen {position} {events} {hash}"),
            Self::Handled(account, version) => write!(f, "handled {account} {version}"),
        }
    }
}

impl FromStr for Said {
    type Err = ();

    fn from_str(line: &str) -> Result<Self, ()> {
        let (what, rest) = line.split_once(' ').unwrap_or((line, ""));
        let mut words = rest.split(' ');
        let number = |word: Option<&str>| word.ok_or(())?.parse::<u64>().map_err(|_| ());
        match what {
            "open" => Ok(Self::Open),
            "acknowledged" => {
                let name = words.next().ok_or(())?.parse()?;
                let numbers = words.map(|it| number(Some(it))).collect::<Result<Vec<_>, ()>>()?;
                let pairs = numbers.chunks(2).map(|it| match *it {
                    [version, position] => Ok((version, position)),
                    _ => Err(()),
                });
                Ok(Self::Acknowledged(name, pairs.collect::<Result<_, ()>>()?))
            }
            "refused" => Ok(Self::Refused(rest.parse()?)),
            "begun" => Ok(Self::Begun(rest.to_owned())),
            "kept" => Ok(Self::Kept(number(words.next())?, number(words.next())?)),
            "seen" => Ok(Self::Seen(number(words.next())?, number(words.next())?, number(words.next())?)),
            "handled" => Ok(Self::Handled(number(words.next())?, number(words.next())?)),
            _ => Err(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_said_is_heard() {
        let name = Name { life: 1, task: 2, number: 3 };
        for said in [
            Said::Open,
            Said::Acknowledged(name, vec![(1, 2), (3, 4)]),
            Said::Refused(name),
            Said::Begun("1-7".to_owned()),
            Said::Kept(1, 2),
            Said::Seen(1, 2, u64::MAX),
            Said::Handled(1, 2),
        ] {
            assert_eq!(said.to_string().parse(), Ok(said));
        }
    }

    #[test]
    fn half_a_line_is_not_understood() {
        for line in ["", "acknowledged 1-2-3 4", "refused 1-2", "seen 1 2"] {
            assert_eq!(line.parse::<Said>(), Err(()), "{line}");
        }
    }
}
