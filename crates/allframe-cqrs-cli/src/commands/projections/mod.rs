mod backlog;

use allframe_cqrs::{
    EventStore, StoredProjection, StoredProjections,
    consumer_group::{ConsumerGroups, GroupError, GroupSummary, MemberId},
    process::Reacted,
};
use clap::Args;
use eventstore_api::GlobalPosition;
use serde::Serialize;

use self::backlog::Backlog;
use crate::{
    failure::{Failure, all_told, heard_or_not},
    jsonl::Rfc3339,
    output::Output,
    progress::Progress,
    screen::{Colours, Column, Table, count, printable},
    store::{self, Location, Store},
};

/// Show how far projections and consumer groups are, and how far they lag behind
///
/// Those are listed whose states the store keeps, every version of each, and consumer groups, those of process managers among them.
/// A projection in memory alone, or in tables of a database, is not in the store.
///
/// The lag is the number of events behind the position, of all types: what of them is passed over only whoever reads them knows.
/// What the toolkit itself stores is not counted. The position is the one that was written down last, which a program that runs
/// may be past: mostly by a second, by longer where a state takes long to be stored, and where a group has partitions without events,
/// by 20 heartbeats.
#[derive(Args)]
pub(crate) struct ProjectionsArguments {
    /// Names of projections, and of consumer groups; without one, all of them
    #[arg(value_name = "NAME")]
    names: Vec<String>,

    /// Print one line of JSON for each
    #[arg(long)]
    pub(crate) json: bool,
}

/// Which events it is of does not matter: none is read as one.
type ToolkitStore = EventStore<Reacted, Store>;

#[derive(Serialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
enum Report<'r> {
    Projection {
        name: &'r str,
        version: u32,
        position: u64,
        lag: u64,
        bytes: Option<usize>,
        effects_position: Option<u64>,
    },
    ConsumerGroup {
        name: &'r str,
        position: u64,
        lag: u64,
        parked: usize,
        partitions: Vec<Partition<'r>>,
        members: Vec<Member<'r>>,
    },
}

#[derive(Serialize)]
struct Partition<'r> {
    partition: u32,
    holder: Option<&'r str>,
    position: u64,
    parked: usize,
}

#[derive(Serialize)]
struct Member<'r> {
    member: &'r str,
    seen_at: Rfc3339,
    has_left: bool,
}

pub(crate) async fn run(location: &dyn Location, arguments: ProjectionsArguments) -> Result<(), Failure> {
    let ProjectionsArguments { names, json } = arguments;
    let backend = store::open_for_reading(location).await?;
    let store = ToolkitStore::with_backend(backend.clone());
    let Found { projections, groups, unreadable } = match names.is_empty() {
        true => Found::all(&store).await?,
        false => Found::named(&store, &names).await?,
    };
    let positions = projections.iter().map(|it| it.position).chain(groups.iter().map(position));
    let mut progress = Progress::unknown();
    let backlog = Backlog::behind(&backend, positions, &mut progress).await?;
    drop(progress);
    let reports: Vec<Report<'_>> = projections
        .iter()
        .map(|projection| of_projection(projection, &backlog))
        .chain(groups.iter().map(|group| of_group(group, &backlog)))
        .collect();
    let mut output = Output::stdout();
    let told = match json {
        true => reports.iter().try_for_each(|report| output.json(report)),
        // Something is there, if nothing that can be shown.
        false if reports.is_empty() && !unreadable.is_empty() => Ok(()),
        false => tell(&reports, &mut output),
    };
    heard_or_not(told.and_then(|()| output.finish()))?;
    // What can be shown has been.
    all_told(unreadable)
}

#[derive(Default)]
struct Found {
    projections: Vec<StoredProjection>,
    groups: Vec<GroupSummary>,
    /// Why others are not among them.
    unreadable: Vec<GroupError>,
}

impl Found {
    async fn all(store: &ToolkitStore) -> Result<Self, Failure> {
        let mut found = Self { projections: StoredProjections::of(store).list().await?, ..Self::default() };
        let groups = ConsumerGroups::of(store);
        for name in groups.names().await? {
            found.take(groups.named(&name).await)?;
        }
        Ok(found)
    }

    async fn named(store: &ToolkitStore, names: &[String]) -> Result<Self, Failure> {
        let (projections, groups) = (StoredProjections::of(store), ConsumerGroups::of(store));
        let known = groups.names().await?;
        let mut found = Self::default();
        for name in names {
            let versions = projections.named(name).await?;
            let is_a_group = known.contains(name);
            if versions.is_empty() && !is_a_group {
                return Err(Failure::NoSuchThing(format!(
                    "the store keeps no state of a projection `{name}`, and there is no consumer group of the name; `projections` lists \
                     those there are"
                )));
            }
            found.projections.extend(versions);
            if is_a_group {
                found.take(groups.named(name).await)?;
            }
        }
        Ok(found)
    }

    /// What a group holds that nobody can read hides no other.
    fn take(&mut self, group: Result<Option<GroupSummary>, GroupError>) -> Result<(), Failure> {
        match group {
            Ok(group) => self.groups.extend(group),
            Err(error @ GroupError::Store(_)) => return Err(error.into()),
            Err(error) => self.unreadable.push(error),
        }
        Ok(())
    }
}

/// Every event up to here is done with, in all partitions.
fn position(group: &GroupSummary) -> GlobalPosition {
    group.partitions.iter().map(|partition| partition.checkpoint).min().unwrap_or(GlobalPosition::START)
}

fn of_projection<'r>(projection: &'r StoredProjection, backlog: &Backlog) -> Report<'r> {
    Report::Projection {
        name: &projection.name,
        version: projection.version,
        position: projection.position.get(),
        lag: backlog.after(projection.position),
        bytes: projection.bytes,
        effects_position: projection.effects.map(GlobalPosition::get),
    }
}

fn of_group<'r>(group: &'r GroupSummary, backlog: &Backlog) -> Report<'r> {
    let partitions = group.partitions.iter().map(|partition| Partition {
        partition: partition.partition,
        holder: partition.holder.as_ref().map(MemberId::as_str),
        position: partition.checkpoint.get(),
        parked: partition.parked,
    });
    let members = group.members.iter().map(|member| Member {
        member: member.member.as_str(),
        seen_at: Rfc3339(member.seen_at),
        has_left: member.has_left,
    });
    Report::ConsumerGroup {
        name: &group.name,
        position: position(group).get(),
        lag: backlog.after(position(group)),
        parked: group.partitions.iter().map(|partition| partition.parked).sum(),
        partitions: partitions.collect(),
        members: members.collect(),
    }
}

fn tell(reports: &[Report<'_>], output: &mut Output) -> Result<(), Failure> {
    let colours = Colours::of_stdout();
    let mut table = Table::new([
        Column::Text("NAME"),
        Column::Text("WHAT"),
        Column::Number("POSITION"),
        Column::Number("LAG"),
        Column::Number("PARKED"),
        Column::Number("BYTES"),
    ]);
    for report in reports {
        table.row(match report {
            Report::Projection { name, version, position, lag, bytes, .. } => [
                (*name).to_owned(),
                format!("projection, version {version}"),
                position.to_string(),
                lag.to_string(),
                String::new(),
                bytes.map(|bytes| bytes.to_string()).unwrap_or_default(),
            ],
            Report::ConsumerGroup { name, position, lag, parked, partitions, .. } => [
                (*name).to_owned(),
                format!("consumer group, {}", count(partitions.len() as u64, "partition")),
                position.to_string(),
                lag.to_string(),
                parked.to_string(),
                String::new(),
            ],
        });
    }
    if reports.is_empty() {
        return output.line("the store keeps the state of no projection, and there are no consumer groups");
    }
    output.lines(table.lines(colours))?;
    for report in reports {
        if let Report::ConsumerGroup { name, members, partitions, .. } = report {
            about_members(name, members, partitions, colours, output)?;
        }
    }
    Ok(())
}

fn about_members(
    group: &str,
    members: &[Member<'_>],
    partitions: &[Partition<'_>],
    colours: Colours,
    output: &mut Output,
) -> Result<(), Failure> {
    let mut table = Table::new([
        Column::Text("MEMBER"),
        Column::Text("LAST SIGN"),
        Column::Text(""),
        Column::Text("PARTITIONS"),
    ]);
    for member in members {
        let held = partitions.iter().filter(|partition| partition.holder == Some(member.member));
        let held: Vec<String> = held.map(|partition| partition.partition.to_string()).collect();
        let left = if member.has_left { "has left" } else { "" };
        table.row([member.member.to_owned(), member.seen_at.to_string(), left.to_owned(), held.join(", ")]);
    }
    if !members.is_empty() {
        output.line(format!("\n{}", colours.strong(printable(group))))?;
    }
    output.lines(table.lines(colours))
}
