//! What the rules look at.

use std::collections::BTreeSet;
use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use anyhow::{Context, bail};
use cargo_metadata::DependencyKind;

use crate::workspace;

/// The files and the packages of this repository.
#[derive(Default)]
pub(super) struct Repository {
    pub(super) files: Vec<File>,
    pub(super) members: Vec<Member>,
    /// Every path there is, files and directories.
    pub(super) paths: BTreeSet<String>,
}

/// A text file. Its path is relative to the root, with `/`.
pub(super) struct File {
    pub(super) path: String,
    pub(super) text: String,
}

/// A package of the workspace.
pub(super) struct Member {
    pub(super) name: String,
    /// Where its manifest lies.
    pub(super) manifest: String,
    pub(super) is_published: bool,
    pub(super) has_description: bool,
    pub(super) has_license: bool,
    pub(super) dependencies: Vec<Dependency>,
}

/// A dependency as a manifest declares it, under its real name.
pub(super) struct Dependency {
    pub(super) name: String,
    pub(super) kind: DependencyKind,
}

impl Repository {
    pub(super) fn load() -> anyhow::Result<Self> {
        let root = workspace::root();
        let mut repository = Self { members: members(&root)?, ..Self::default() };
        let ignored = ignored(&fs::read_to_string(root.join(".gitignore"))?)?;
        repository.walk(&root, &root, &ignored)?;
        Ok(repository)
    }

    pub(super) fn file(&self, path: &str) -> Option<&File> {
        self.files.iter().find(|it| it.path == path)
    }

    pub(super) fn rust_files(&self) -> impl Iterator<Item = &File> {
        self.files.iter().filter(|it| it.path.ends_with(".rs"))
    }

    /// Reads what is there, committed or not: git need not be installed, and a new file is seen at once.
    fn walk(&mut self, root: &Path, folder: &Path, ignored: &[String]) -> anyhow::Result<()> {
        let entries = match fs::read_dir(folder) {
            // Another test's temporary folder, gone since it was listed.
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(()),
            other => other.with_context(|| format!("reading {}", folder.display()))?,
        };
        for entry in entries {
            let entry = entry?;
            let path = relative(root, &entry.path());
            let kind = entry.file_type()?;
            if ignored.contains(&path) || path == ".git" || path.ends_with("/target") {
                continue;
            }
            if kind.is_dir() {
                self.walk(root, &entry.path(), ignored)?;
            } else if kind.is_file() {
                let bytes = match fs::read(entry.path()) {
                    // An editor's or another test's temporary file.
                    Err(error) if error.kind() == ErrorKind::NotFound => continue,
                    other => other.with_context(|| format!("reading {path}"))?,
                };
                if let Ok(text) = String::from_utf8(bytes) {
                    self.files.push(File { path: path.clone(), text });
                }
            }
            self.paths.insert(path);
        }
        Ok(())
    }
}

impl File {
    /// The lines, counted from 1.
    pub(super) fn lines(&self) -> impl Iterator<Item = (usize, &str)> {
        (1..).zip(self.text.lines())
    }

    /// The first line that begins with `start`, or 1.
    pub(super) fn line_of(&self, start: &str) -> usize {
        self.lines().find(|(_, line)| line.starts_with(start)).map_or(1, |(number, _)| number)
    }
}

impl Member {
    /// The folder of the package, without a `/` at the end.
    pub(super) fn folder(&self) -> &str {
        self.manifest.strip_suffix("/Cargo.toml").unwrap_or_default()
    }
}

fn members(root: &Path) -> anyhow::Result<Vec<Member>> {
    let is_given = |field: &Option<String>| field.as_ref().is_some_and(|it| !it.trim().is_empty());
    let mut members = Vec::new();
    for package in workspace::packages()? {
        members.push(Member {
            name: package.name.to_string(),
            manifest: relative(root, package.manifest_path.as_std_path()),
            is_published: workspace::is_published(&package),
            has_description: is_given(&package.description),
            has_license: is_given(&package.license),
            dependencies: package
                .dependencies
                .into_iter()
                .map(|it| Dependency { name: it.name, kind: it.kind })
                .collect(),
        });
    }
    Ok(members)
}

fn relative(root: &Path, path: &Path) -> String {
    let path: PathBuf = path.strip_prefix(root).unwrap_or(path).components().collect();
    path.to_string_lossy().replace('\\', "/")
}

/// The paths that `.gitignore` names. One form is enough for this repository: `/path`, from its root.
fn ignored(text: &str) -> anyhow::Result<Vec<String>> {
    let patterns = text.lines().map(str::trim).filter(|it| !it.is_empty() && !it.starts_with('#'));
    patterns
        .map(|pattern| match pattern.strip_prefix('/') {
            Some(path) if !path.contains(['*', '?', '[', '!']) => Ok(path.trim_end_matches('/').to_owned()),
            _ => bail!(".gitignore: write `{pattern}` as `/path` from the root: tidy reads no other form"),
        })
        .collect()
}

#[cfg(test)]
impl Repository {
    /// A repository of these files, for the tests of a rule.
    pub(super) fn of_files(files: &[(&str, &str)]) -> Self {
        let mut repository = Self::default();
        for (path, text) in files {
            let ancestors = Path::new(path).ancestors().map(|it| relative(Path::new(""), it));
            repository.paths.extend(ancestors.filter(|it| !it.is_empty()));
            repository.files.push(File { path: (*path).to_owned(), text: (*text).to_owned() });
        }
        repository
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_member_and_its_manifest_are_found() {
        let repository = Repository::load().unwrap();
        let this = repository.members.iter().find(|it| it.name == "xtask").unwrap();
        assert_eq!((this.manifest.as_str(), this.folder()), ("xtask/Cargo.toml", "xtask"));
        assert!(!this.is_published);
        for member in &repository.members {
            assert!(repository.file(&member.manifest).is_some(), "{}", member.manifest);
        }
    }

    #[test]
    fn what_git_ignores_is_not_read() {
        let repository = Repository::load().unwrap();
        assert!(!repository.paths.iter().any(|it| it.starts_with("target/") || it.starts_with(".git/")));
        assert!(repository.paths.contains(".gitignore"));
    }

    #[test]
    fn a_pattern_that_is_not_understood_is_an_error() {
        assert_eq!(ignored("# a comment\n/target\n/data/\n").unwrap(), ["target", "data"]);
        assert!(ignored("*.log").unwrap_err().to_string().contains("*.log"));
    }
}
