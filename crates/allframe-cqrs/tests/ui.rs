//! What the compiler says where a macro is used wrongly.
#![cfg(all(feature = "memory", feature = "macros"))]

use trybuild::TestCases;

#[test]
fn wrong_uses_of_the_macros_are_explained() {
    let cases = TestCases::new();
    cases.compile_fail("tests/ui/*.rs");
    if cfg!(feature = "validation") {
        cases.compile_fail("tests/ui/validation/*.rs");
    }
    if cfg!(feature = "json-commands") {
        cases.compile_fail("tests/ui/json_commands/*.rs");
    }
    // How the compiler writes the traits of serde depends on what else is compiled.
    if cfg!(all(feature = "validation", feature = "json-commands")) {
        cases.compile_fail("tests/ui/serde/*.rs");
    }
    if cfg!(not(any(feature = "validation", feature = "json-commands"))) {
        cases.compile_fail("tests/ui_without_features/*.rs");
    }
}

#[cfg(feature = "schema")]
#[test]
fn wrong_uses_of_schemas_are_explained() {
    trybuild::TestCases::new().compile_fail("tests/ui/schema/*.rs");
}
