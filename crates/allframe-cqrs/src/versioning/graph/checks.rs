//! Every form that there may be comes to one of today's, in one way.

use super::{FormGraph, Node, fork};
use crate::{
    event::names_of,
    versioning::{
        MigrationPath, UnknownEvents, VersioningProblem,
        step::{EventForm, StepEnds},
    },
};

/// So many versions of a kind that nothing reads are told of; somebody may have taken a date for a version.
const MAX_GAPS_TOLD: usize = 64;

#[derive(Clone, Copy)]
enum Visit {
    Not,
    OnPath,
    Done,
}

impl FormGraph {
    /// Tells of all that is wrong; what was wrong before is among the problems already.
    pub(super) fn check(&self, paths: &[MigrationPath], problems: &mut Vec<VersioningProblem>) {
        self.refuse_forks_at_retired(problems);
        self.refuse_gaps(problems);
        self.refuse_cycles(problems);
        // What leads round in a circle leads nowhere.
        if problems.is_empty() {
            self.refuse_broken_promises(paths, problems);
        }
        if self.unknown == UnknownEvents::PassThrough && !self.today.has_unknown {
            problems.push(VersioningProblem::NoUnknownVariant { type_name: self.today.name });
        }
    }

    fn refuse_forks_at_retired(&self, problems: &mut Vec<VersioningProblem>) {
        for name in &self.retired {
            for (version, node) in self.nodes.get(name).into_iter().flatten() {
                let form = EventForm::from((name.clone(), *version));
                problems.push(fork(form, self.name_of(*node), self.name_of(Node::Retired)));
            }
        }
    }

    /// Whatever a kind of today was stored as, under each of its names, and whatever a step makes, is read.
    fn refuse_gaps(&self, problems: &mut Vec<VersioningProblem>) {
        for kind in &self.today.kinds {
            let earlier = names_of(kind).flat_map(|name| (1..kind.schema_version).map(move |it| (name, it)));
            let unread = earlier.filter(|(name, version)| self.node(name, *version).is_none());
            problems.extend(unread.take(MAX_GAPS_TOLD).map(|form| gap(EventForm::from(form), None)));
        }
        for way in &self.steps {
            for form in self.made_by(way) {
                if self.node(&form.event_type, form.schema_version).is_none() {
                    problems.push(gap(form, Some(way.name())));
                }
            }
        }
    }

    fn refuse_cycles(&self, problems: &mut Vec<VersioningProblem>) {
        let mut known = vec![Visit::Not; self.steps.len()];
        for place in 0..self.steps.len() {
            let mut path = Vec::new();
            if let Some(cycle) = self.cycle_from(place, &mut known, &mut path) {
                problems.push(VersioningProblem::Cycle { path: cycle });
            }
        }
    }

    fn cycle_from(&self, place: usize, known: &mut [Visit], path: &mut Vec<usize>) -> Option<Vec<String>> {
        match known.get(place)? {
            Visit::Done => return None,
            Visit::OnPath => {
                let begin = path.iter().position(|&other| other == place)?;
                let round = path.iter().skip(begin).chain(std::iter::once(&place));
                return Some(round.filter_map(|&place| Some(self.steps.get(place)?.begin())).collect());
            }
            Visit::Not => {}
        }
        *known.get_mut(place)? = Visit::OnPath;
        path.push(place);
        let found = self.steps_after(place).into_iter().find_map(|next| self.cycle_from(next, known, path));
        path.pop();
        *known.get_mut(place)? = Visit::Done;
        found
    }

    fn steps_after(&self, place: usize) -> Vec<usize> {
        let Some(way) = self.steps.get(place) else { return Vec::new() };
        let by_type = match way {
            StepEnds::Typed { to, .. } => self.step_of_type(to.id),
            StepEnds::Json { .. } => None,
        };
        let by_form = self.made_by(way).into_iter().filter_map(|form| {
            match self.node(&form.event_type, form.schema_version)? {
                Node::Typed(step, _) | Node::Json(step) => Some(step),
                Node::Today(_) | Node::Declared(_) | Node::Retired => None,
            }
        });
        by_form.chain(by_type).collect()
    }

    fn refuse_broken_promises(&self, paths: &[MigrationPath], problems: &mut Vec<VersioningProblem>) {
        let made = self.paths();
        let is_kept = |path: &&MigrationPath| {
            let leads_there = |made: &MigrationPath| {
                made.event_type == path.event_type
                    && made.from_version == path.from_version
                    && made.to_version >= path.to_version
            };
            path.from_version == path.to_version || made.iter().any(leads_there)
        };
        for broken in paths.iter().filter(|path| !is_kept(path)) {
            problems.push(gap(EventForm::from((broken.event_type.clone(), broken.from_version)), None));
        }
    }
}

/// Nothing reads this form.
fn gap(form: EventForm, reached_from: Option<String>) -> VersioningProblem {
    let EventForm { event_type, schema_version } = form;
    VersioningProblem::Gap { event_type: event_type.into_owned(), schema_version, reached_from }
}
