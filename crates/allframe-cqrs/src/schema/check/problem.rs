use std::fmt;

use serde::Serialize;

use crate::schema::{Finding, Reason};

/// One thing that does not fit between schemas.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "problem", rename_all = "snake_case")]
#[non_exhaustive]
pub enum SchemaProblem {
    /// What was stored is not read by today's type.
    NotRead {
        /// The name under which it is stored.
        event_type: String,
        /// The version under which it is stored.
        stored_version: u32,
        /// The version that is to read it: the same, where the schema has changed and the version has not.
        version: u32,
        /// What is not read.
        findings: Vec<Finding>,
    },
    /// What today's type writes is not read by an earlier program.
    NotReadByEarlier {
        /// The name under which it is stored.
        event_type: String,
        /// The version of the earlier program.
        earlier_version: u32,
        /// The version that is written today.
        version: u32,
        /// What is not read.
        findings: Vec<Finding>,
    },
    /// What the fields of today's type say of an earlier version is not what was stored in it.
    HistoryDiffers {
        /// The name under which it is stored.
        event_type: String,
        /// The earlier version.
        version: u32,
        /// What differs.
        findings: Vec<Finding>,
    },
}

impl SchemaProblem {
    /// The stored name that it is about.
    #[must_use]
    pub fn event_type(&self) -> &str {
        match self {
            Self::NotRead { event_type, .. }
            | Self::NotReadByEarlier { event_type, .. }
            | Self::HistoryDiffers { event_type, .. } => event_type,
        }
    }

    /// What does not fit, field by field.
    #[must_use]
    pub fn findings(&self) -> &[Finding] {
        match self {
            Self::NotRead { findings, .. }
            | Self::NotReadByEarlier { findings, .. }
            | Self::HistoryDiffers { findings, .. } => findings,
        }
    }
}

impl fmt::Display for SchemaProblem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotRead { event_type, stored_version, version, findings } if stored_version == version => {
                write!(
                    f,
                    "`{event_type}` version {version} has changed, and no longer reads what is stored of it:"
                )?;
                list(f, findings)?;
                let next = version.saturating_add(1);
                write!(
                    f,
                    "\n  raise the version, `#[event(version = {next})]`, and say what has changed with it: {}; or give the \
                     registry an upcaster from version {version}",
                    remedies(findings, next)
                )
            }
            Self::NotRead { event_type, stored_version, version, findings } => {
                write!(f, "`{event_type}` version {version} does not read version {stored_version}:")?;
                list(f, findings)?;
                f.write_str("\n  let the program that reads it register it, with its upcasters, or change the schema so that it does")
            }
            Self::NotReadByEarlier { event_type, earlier_version, version, findings } => {
                match earlier_version == version {
                    true => write!(
                        f,
                        "`{event_type}` version {version} was changed, and programs from before do not read it:"
                    )?,
                    false => {
                        write!(
                            f,
                            "`{event_type}` version {version} is not read by programs of version {earlier_version}:"
                        )?;
                    }
                }
                list(f, findings)?;
                f.write_str(
                    "\n  upcasters are of no help to an earlier program; keep writing what it reads, or give the event another name",
                )
            }
            Self::HistoryDiffers { event_type, version, findings } => {
                write!(
                    f,
                    "`{event_type}` version {version} was stored in another form than its fields say:"
                )?;
                list(f, findings)?;
                f.write_str(
                    "\n  correct what #[added], #[renamed], #[removed] and #[converted] say of that version, or leave them out and \
                     give the registry an upcaster from it",
                )
            }
        }
    }
}

fn list(f: &mut fmt::Formatter<'_>, findings: &[Finding]) -> fmt::Result {
    findings.iter().try_for_each(|finding| write!(f, "\n  - {finding}"))
}

/// What to write on the fields that are not read, where a field can say it.
fn remedies(findings: &[Finding], version: u32) -> String {
    let mut remedies: Vec<String> = Vec::new();
    for finding in findings {
        let mut names = finding.path.split('/').skip(1);
        let (Some(field), deeper) = (names.next(), names.next()) else { continue };
        let remedy = match &finding.reason {
            Reason::RequiredAndNotWritten if deeper.is_none() => {
                format!("`#[added(version = {version}, default = ..)]` on `{field}`")
            }
            Reason::FieldDenied if deeper.is_none() => {
                format!("`#[removed(version = {version})]` on `{field}`")
            }
            _ => format!("`#[converted(version = {version}, with = ..)]` on `{field}`"),
        };
        if !remedies.contains(&remedy) {
            remedies.push(remedy);
        }
    }
    match remedies.is_empty() {
        true => "with an upcaster".to_owned(),
        false => remedies.join(", "),
    }
}
