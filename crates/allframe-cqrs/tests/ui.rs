//! What the compiler says where a macro is used wrongly.
#![cfg(all(feature = "memory", feature = "macros"))]

#[test]
fn wrong_uses_of_the_macros_are_explained() {
    trybuild::TestCases::new().compile_fail("tests/ui/*.rs");
}

#[cfg(feature = "schema")]
#[test]
fn wrong_uses_of_schemas_are_explained() {
    trybuild::TestCases::new().compile_fail("tests/ui/schema/*.rs");
}
