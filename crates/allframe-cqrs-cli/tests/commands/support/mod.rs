//! Runs the program, and makes what it prints the same every time.

mod imports;
mod running;

use std::{
    fmt, fs,
    path::PathBuf,
    process::{Command, Output, Stdio},
};

use tempfile::TempDir;

pub(crate) use self::{
    imports::{importing, killed_and_completed},
    running::{Running, until},
};

/// A directory to run the program in, on a store in `data`.
pub(crate) struct Place {
    directory: TempDir,
    store: &'static str,
}

impl Place {
    pub(crate) fn new() -> Self {
        Self::with("wal:data")
    }

    /// With another store than the log.
    pub(crate) fn with(store: &'static str) -> Self {
        Self { directory: TempDir::new().unwrap(), store }
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    pub(crate) fn write(&self, name: &str, content: impl AsRef<[u8]>) {
        fs::write(self.path(name), content).unwrap();
    }

    pub(crate) fn read(&self, name: &str) -> String {
        fs::read_to_string(self.path(name)).unwrap()
    }

    /// The program on its store, with arguments that hold no spaces.
    pub(crate) fn command(&self, arguments: &str) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_eventstore"));
        command
            .current_dir(self.directory.path())
            .env("EVENTSTORE_STORE", self.store)
            .args(arguments.split_whitespace());
        // What a person has set up for the eyes is not what is tested.
        for variable in ["COLUMNS", "NO_COLOR", "CLICOLOR", "CLICOLOR_FORCE"] {
            command.env_remove(variable);
        }
        command.stdin(Stdio::null());
        command
    }

    pub(crate) fn run(&self, arguments: &str) -> Outcome {
        self.command(arguments).output().unwrap().into()
    }

    /// The same with one more argument, which is taken as it is.
    pub(crate) fn run_with(&self, arguments: &str, last: &str) -> Outcome {
        self.command(arguments).arg(last).output().unwrap().into()
    }

    /// Runs it, and returns what it has printed if it says that all went well.
    pub(crate) fn succeed(&self, arguments: &str) -> String {
        let outcome = self.run(arguments);
        assert_eq!(outcome.code, Some(0), "{outcome}");
        outcome.stdout
    }

    /// Runs it with this as its standard input.
    pub(crate) fn run_with_input(&self, arguments: &str, input: impl AsRef<[u8]>) -> Outcome {
        self.write(".input", input);
        let input = fs::File::open(self.path(".input")).unwrap();
        self.command(arguments).stdin(input).output().unwrap().into()
    }

    /// Damages the log in `data`, which has to be longer than that, somewhere behind its beginning.
    pub(crate) fn flip_a_bit(&self) {
        let segment = fs::read_dir(self.path("data"))
            .unwrap()
            .map(|entry| entry.unwrap().path())
            .find(|path| path.extension().is_some_and(|extension| extension == "wal"))
            .unwrap();
        let mut bytes = fs::read(&segment).unwrap();
        bytes[10_000] ^= 1;
        fs::write(&segment, bytes).unwrap();
    }

    /// A store in `data` with these lines.
    pub(crate) fn import(&self, lines: &str) {
        let outcome = self.run_with_input("import -", lines);
        assert_eq!(outcome.code, Some(0), "{outcome}");
    }
}

/// A few events, as a person would write them.
pub(crate) const FEW: &str = r#"
{"stream":"account-7","type":"Opened","data":{"owner":"ann"},"id":"00000000-0000-7000-8000-000000000001"}
{"stream":"account-8","type":"Opened","data":{"owner":"bob"},"id":"00000000-0000-7000-8000-000000000002"}
{"stream":"account-7","type":"Deposited","data":{"amount": 1.50, "from": ["cash", null]},"id":"00000000-0000-7000-8000-000000000003","tags":["till:3","branch:zürich"],"metadata":{"user":"ann","note":"one\ntwo"},"schema_version":2}
{"stream":"account-7","type":"Photographed","data_base64":"AP8Q","encoding":0,"id":"00000000-0000-7000-8000-000000000004"}
"#;

/// So many events over so many streams, as a machine would write them; each has an id.
pub(crate) fn many(events: usize, streams: usize) -> String {
    let mut lines = String::new();
    for number in 0..events {
        let stream = number * 31 % streams;
        lines += &format!(
            "{{\"stream\":\"account-{stream}\",\"type\":\"Deposited\",\"data\":{{\"amount\":{number}}},\
             \"id\":\"00000000-0000-7000-8000-{number:012x}\"}}\n"
        );
    }
    lines
}

/// The ids of lines, in their order.
pub(crate) fn ids(lines: &str) -> Vec<String> {
    let id = |line: &str| line.split_once("\"id\":\"").unwrap().1.split_once('"').unwrap().0.to_owned();
    lines.lines().filter(|line| !line.is_empty()).map(id).collect()
}

/// How a run ended, and what it printed.
pub(crate) struct Outcome {
    pub(crate) code: Option<i32>,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl From<Output> for Outcome {
    fn from(output: Output) -> Self {
        let Output { status, stdout, stderr } = output;
        let text = |bytes| String::from_utf8(bytes).unwrap();
        Self { code: status.code(), stdout: text(stdout), stderr: text(stderr) }
    }
}

/// With everything in it that is another each time made the same.
impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { code, stdout, stderr } = self;
        match code {
            Some(code) => writeln!(f, "exit code {code}")?,
            None => writeln!(f, "killed")?,
        }
        write!(f, "--- stdout\n{}--- stderr\n{}", same_each_time(stdout), same_each_time(stderr))
    }
}

/// The text without what is an affair of the store: how many bytes it takes for what it holds.
pub(crate) fn without_sizes(shown: &str) -> String {
    let mut parts = shown.split("bytes");
    let mut same = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let label = part.find(|character: char| !matches!(character, '"' | ':')).unwrap_or(part.len());
        let (label, rest) = part.split_at(label);
        let number = rest.trim_start_matches(' ');
        let behind = number.trim_start_matches(|character: char| character.is_ascii_digit());
        same += "bytes";
        if behind.len() < number.len() {
            same = same + label + " [bytes]" + behind;
        } else {
            same += part;
        }
    }
    match same.split_once(" bytes read") {
        Some((before, behind)) => {
            let before = before.trim_end_matches(|character: char| character.is_ascii_digit());
            format!("{before}[bytes] bytes read{behind}")
        }
        None => same,
    }
}

/// The text with its moments, and how long things took, replaced.
pub(crate) fn same_each_time(text: &str) -> String {
    const MOMENT: &str = "0000-00-00T00:00:00.000000Z";
    let mut same = String::new();
    let mut rest = text;
    while let Some(character) = rest.chars().next() {
        let is_moment = rest.get(..MOMENT.len()).is_some_and(|text| {
            text.chars().map(|c| if c.is_ascii_digit() { '0' } else { c }).eq(MOMENT.chars())
        });
        let (shown, length) = if is_moment {
            ("[moment]".to_owned(), MOMENT.len())
        } else {
            (character.to_string(), character.len_utf8())
        };
        same += &shown;
        rest = &rest[length..];
    }
    same.lines().map(|line| same_line(line) + "\n").collect()
}

fn same_line(line: &str) -> String {
    const FROM_TO: &str = "[moment] to [moment], ";
    if line.starts_with(FROM_TO) {
        return format!("{FROM_TO}[time]");
    }
    if line.starts_with('│') && line.ends_with('│') {
        return "│[time line]│".to_owned();
    }
    line.to_owned()
}
