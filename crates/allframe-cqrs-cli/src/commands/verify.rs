use std::process::ExitCode;

use serde::Serialize;

use crate::{
    arguments::VerifyArguments,
    failure::Failure,
    human::count,
    output::Output,
    progress::Progress,
    store::{self, Location, Place, Verdict},
};

pub(crate) async fn run(location: &dyn Location, arguments: VerifyArguments) -> Result<ExitCode, Failure> {
    let mut progress = Progress::unknown();
    let verdict = store::verify(location, &mut progress).await?;
    drop(progress);
    let mut output = Output::stdout();
    if arguments.json {
        output.json(&Report { sound: verdict.is_sound(), verdict: &verdict })?;
    } else {
        tell(&verdict, &mut output)?;
    }
    output.finish()?;
    Ok(if verdict.is_sound() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

#[derive(Serialize)]
struct Report<'v> {
    sound: bool,
    #[serde(flatten)]
    verdict: &'v Verdict,
}

fn tell(verdict: &Verdict, output: &mut Output) -> Result<(), Failure> {
    let Verdict { events, streams, snapshots, head, bytes, damages, rebuildable, notes } = verdict;
    let word = match damages.len() + rebuildable.len() {
        0 => "sound".to_owned(),
        places => format!("damaged at {}", count(places as u64, "place")),
    };
    output.line(format!(
        "{word}: {} of {}, {}, head {head}; {} read",
        count(*events, "event"),
        count(*streams, "stream"),
        count(*snapshots, "snapshot"),
        count(*bytes, "byte"),
    ))?;
    for Place { place, detail } in damages {
        output.line(format!("damaged: {place}: {detail}"))?;
    }
    for Place { place, detail } in rebuildable {
        output.line(format!("damaged, made anew when the store is opened for writing: {place}: {detail}"))?;
    }
    for note in notes {
        output.line(format!("note: {note}"))?;
    }
    Ok(())
}
