//! What the compiler says where a macro is used wrongly.

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
    if cfg!(feature = "schema") {
        cases.compile_fail("tests/ui/schema/*.rs");
    }
    // How the compiler writes the traits of serde depends on what else is compiled.
    if cfg!(all(feature = "validation", feature = "json-commands")) {
        cases.compile_fail("tests/ui/serde/*.rs");
    }
    if cfg!(not(any(feature = "validation", feature = "json-commands"))) {
        cases.compile_fail("tests/ui_without_features/*.rs");
    }
}
