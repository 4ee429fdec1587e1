//! Which steps come after which.

use std::collections::BTreeSet;

use proc_macro2::Span;
use quote::ToTokens;
use syn::{Error, Result};

use super::{
    method::Method,
    parameter::{listed, name_of},
    step::Step,
};

/// The steps that each waits for, and an order in which none stands before one that it waits for.
pub(super) struct Order {
    pub(super) after: Vec<BTreeSet<usize>>,
    pub(super) sorted: Vec<usize>,
}

impl Order {
    /// That of these steps, if they can be carried out, and each is given what there is then.
    pub(super) fn of(steps: &[Step], names: &[String]) -> Result<Self> {
        let after = steps
            .iter()
            .enumerate()
            .map(|(place, step)| waits_for(place, step, names))
            .collect::<Result<Vec<_>>>()?;
        let sorted = sorted(&after).map_err(|circle| in_a_circle(&circle, steps, names))?;
        let order = Self { after, sorted };
        for (place, step) in steps.iter().enumerate() {
            order.check_outputs(place, step, steps, names)?;
        }
        Ok(order)
    }

    /// Refuses a plain reference to what there may be none of.
    fn check_outputs(&self, place: usize, step: &Step, steps: &[Step], names: &[String]) -> Result<()> {
        let before = self.all_before(place);
        for method in step.methods() {
            // Whether a step is undone of which nothing is known, is said by how its output is taken.
            let plain = method.outputs().filter(|(taken, is_optional, _)| !is_optional && *taken != place);
            for (taken, _, ty) in plain {
                let name = names.get(taken).map_or("", String::as_str);
                if steps.get(taken).is_some_and(|taken| taken.when.is_some()) {
                    return Err(Error::new_spanned(
                        ty,
                        format!(
                            "the step `{name}` has a `when`: where it is skipped there is no output; take `Option<&Type>`"
                        ),
                    ));
                }
                if !before.contains(&taken) {
                    return Err(Error::new_spanned(
                        ty,
                        format!(
                            "the step `{name}` need not have been carried out when this is undone; take `Option<&Type>`, or write \
                             `after({name})` at the step"
                        ),
                    ));
                }
            }
        }
        Ok(())
    }

    fn all_before(&self, step: usize) -> BTreeSet<usize> {
        let mut before = BTreeSet::new();
        let mut open = vec![step];
        while let Some(step) = open.pop() {
            open.extend(self.after.get(step).into_iter().flatten().filter(|step| before.insert(**step)));
        }
        before
    }
}

/// The steps whose outputs it, or its condition, takes, and those that it is said to be after.
fn waits_for(place: usize, step: &Step, names: &[String]) -> Result<BTreeSet<usize>> {
    let mut after = BTreeSet::new();
    for (taken, _, ty) in
        [Some(&step.method), step.when.as_ref()].into_iter().flatten().flat_map(Method::outputs)
    {
        refuse_itself(place, taken, ty, "it is carried out only now: there is no output of it yet")?;
        after.insert(taken);
    }
    for earlier in &step.arguments.after {
        let name = name_of(earlier);
        let found = names.iter().position(|step| *step == name).ok_or_else(|| {
            let steps = listed(names.iter());
            Error::new(earlier.span(), format!("`{name}` is no step of this saga; its steps are {steps}"))
        })?;
        refuse_itself(place, found, earlier, "no step comes after itself")?;
        after.insert(found);
    }
    Ok(after)
}

fn refuse_itself(place: usize, other: usize, at: &impl ToTokens, why: &str) -> Result<()> {
    match place == other {
        true => Err(Error::new_spanned(at, why)),
        false => Ok(()),
    }
}

/// An order in which none stands before one that it waits for, otherwise as declared; or a circle.
fn sorted(after: &[BTreeSet<usize>]) -> std::result::Result<Vec<usize>, Vec<usize>> {
    let mut sorted: Vec<usize> = Vec::new();
    while sorted.len() < after.len() {
        let is_open = |step: &usize| !sorted.contains(step);
        let mut open = (0..after.len()).filter(is_open);
        let is_ready = |step: &usize| !after.get(*step).into_iter().flatten().any(is_open);
        match open.clone().find(is_ready) {
            Some(ready) => sorted.push(ready),
            None => {
                // Each that is left waits for another that is left, so that whoever goes from one to the next comes round.
                let mut way: Vec<usize> = Vec::new();
                let mut next = open.next();
                while let Some(step) = next {
                    if let Some(begin) = way.iter().position(|passed| *passed == step) {
                        return Err(way.split_off(begin));
                    }
                    way.push(step);
                    next = after.get(step).into_iter().flatten().copied().find(is_open);
                }
                return Err(way);
            }
        }
    }
    Ok(sorted)
}

fn in_a_circle(circle: &[usize], steps: &[Step], names: &[String]) -> Error {
    let at = circle.first().and_then(|first| steps.get(*first)).map_or_else(Span::call_site, Step::at);
    let mut names = circle.iter().chain(circle.first()).filter_map(|step| names.get(*step));
    let first = names.next().map(|name| format!("`{name}`")).unwrap_or_default();
    let others: Vec<_> = names.map(|name| format!("waits for `{name}`")).collect();
    Error::new(at, format!("these steps wait for each other: {first} {}", others.join(", which ")))
}

#[cfg(test)]
mod tests {
    use super::sorted;

    #[test]
    fn what_is_waited_for_stands_before_and_all_else_as_declared() {
        let after = [vec![3], vec![], vec![0, 1], vec![]].map(|after| after.into_iter().collect());
        assert_eq!(sorted(&after).unwrap(), [1, 3, 0, 2]);
    }

    #[test]
    fn a_circle_is_told_without_those_that_only_lead_there() {
        let after = [vec![1], vec![2, 4], vec![3], vec![1], vec![]].map(|after| after.into_iter().collect());
        assert_eq!(sorted(&after).unwrap_err(), [1, 2, 3]);
    }
}
