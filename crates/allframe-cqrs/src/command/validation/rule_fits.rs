//! What `#[command]` asks of the fields that have rules, so that a rule of another type is told at the rule.

use garde::{
    Validate,
    rules::{ascii::Ascii, length::simple::Simple, range::Bounds, required::Required},
};

/// What has a length.
#[diagnostic::on_unimplemented(
    message = "the rule `length` does not fit `{Self}`",
    label = "has no length",
    note = "it is for texts and collections; for numbers there is `range(min = .., max = ..)`"
)]
pub trait HasLength {}

#[diagnostic::do_not_recommend]
impl<T: Simple> HasLength for T {}

pub fn length(_: &impl HasLength) {}

/// What is between two others.
#[diagnostic::on_unimplemented(
    message = "the rule `range` does not fit `{Self}`",
    label = "is no number",
    note = "it is for numbers; for texts and collections there is `length(min = .., max = ..)`"
)]
pub trait HasRange {}

#[diagnostic::do_not_recommend]
impl<T: Bounds> HasRange for T {}

pub fn range(_: &impl HasRange) {}

/// What has rules of its own.
#[diagnostic::on_unimplemented(
    message = "the rule `dive` does not fit `{Self}`, which has no rules of its own",
    label = "has no rules",
    note = "derive `garde::Validate` for it, with `#[garde(..)]` on its fields"
)]
pub trait HasRules {}

#[diagnostic::do_not_recommend]
impl<T: Validate> HasRules for T {}

pub fn dive(_: &impl HasRules) {}

/// What may be missing.
#[diagnostic::on_unimplemented(
    message = "the rule `required` does not fit `{Self}`",
    label = "is never missing",
    note = "it is for an `Option<{Self}>`"
)]
pub trait MayBeMissing {}

#[diagnostic::do_not_recommend]
impl<T: Required> MayBeMissing for T {}

pub fn required(_: &impl MayBeMissing) {}

/// What is a text, or perhaps one.
#[diagnostic::on_unimplemented(
    message = "this rule does not fit `{Self}`",
    label = "is no text",
    note = "it is for `String`, and for an `Option` of it"
)]
pub trait IsText {}

#[diagnostic::do_not_recommend]
impl<T: Ascii> IsText for T {}

pub fn text(_: &impl IsText) {}
