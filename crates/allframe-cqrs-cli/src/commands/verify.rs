use clap::Args;
use serde::Serialize;

use crate::{
    exit::Exit,
    failure::{Failure, heard_or_not},
    output::Output,
    progress::Progress,
    screen::{Colours, count, printable},
    store::{self, Location, Place, Verdict},
};

/// Check every checksum, version, position and index
///
/// Says where the store is damaged, exactly; of a RocksDB store, the first place, and which events cannot be read. Changes
/// nothing. Of a PostgreSQL store, whose files are its server's, it reads
/// every event, and checks what every store promises: positions rise by one, versions too in each stream, time does not run
/// backwards, no id is twice in a stream, and the counts are those of what was read. It remembers all ids meanwhile, some 100 MB
/// for a million events.
#[derive(Args)]
pub(crate) struct VerifyArguments {
    /// Print one line of JSON
    #[arg(long)]
    pub(crate) json: bool,
}

pub(crate) async fn run(location: &dyn Location, arguments: VerifyArguments) -> Result<Exit, Failure> {
    let mut progress = Progress::unknown();
    let verdict = store::verify(location, &mut progress).await?;
    drop(progress);
    let mut output = Output::stdout();
    let told = match arguments.json {
        true => output.json(&Report { sound: verdict.is_sound(), verdict: &verdict }),
        false => tell(&verdict, &mut output),
    };
    heard_or_not(told.and_then(|()| output.finish()))?;
    Ok(if verdict.is_sound() { Exit::Done } else { Exit::Failed })
}

#[derive(Serialize)]
struct Report<'v> {
    sound: bool,
    #[serde(flatten)]
    verdict: &'v Verdict,
}

fn tell(verdict: &Verdict, output: &mut Output) -> Result<(), Failure> {
    let Verdict { events, streams, snapshots, head, bytes, damages, rebuildable, notes } = verdict;
    let colours = Colours::of_stdout();
    let word = match damages.len() + rebuildable.len() {
        0 => colours.good("sound"),
        places => colours.bad(format!("damaged at {}", count(places as u64, "place"))),
    };
    output.line(format!(
        "{word}: {} of {}, {}, head {head}; {} read",
        count(*events, "event"),
        count(*streams, "stream"),
        count(*snapshots, "snapshot"),
        count(*bytes, "byte"),
    ))?;
    for Place { place, detail } in damages {
        output.line(printable(&format!("damaged: {place}: {detail}")))?;
    }
    for Place { place, detail } in rebuildable {
        let made_anew = "made anew when the store is opened for writing";
        output.line(printable(&format!("damaged, {made_anew}: {place}: {detail}")))?;
    }
    for note in notes {
        output.line(printable(&format!("note: {note}")))?;
    }
    Ok(())
}
