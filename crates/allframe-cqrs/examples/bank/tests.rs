use crate::{
    allframe_style,
    domain::{Account, Limits, Refused},
    lines::{Comparison, Lines, Purpose},
    story::tell,
    toolkit_style,
};
use allframe_cqrs::Aggregate;

#[tokio::test]
async fn both_styles_tell_the_same_story() {
    let as_with_allframe = tell(&allframe_style::Bank::open_for_business().await.unwrap()).await.unwrap();
    let as_with_the_toolkit = tell(&toolkit_style::Bank::open_for_business().unwrap()).await.unwrap();
    assert_eq!(as_with_allframe, as_with_the_toolkit);
    insta::assert_snapshot!(as_with_the_toolkit);
}

#[test]
fn of_validation_and_registration_four_fifths_are_gone() {
    let compared = Comparison::of_both().unwrap();
    assert!(compared.percent_gone() >= 80, "{compared}");
    insta::assert_snapshot!(compared);
}

#[test]
fn what_is_between_markers_counts_and_so_do_attributes_but_no_comment_and_no_blank_line() {
    let source = "
        let not_counted = 1;
        // count: validation
        // why
        if wrong {

        }
        // count: end
        #[validate(range(min = 1))]
        #[command_handler]
        #[derive(Clone)]
    ";
    let lines = Lines::count(&[source]).unwrap();
    assert_eq!(lines.of(Purpose::Validation), 3);
    assert_eq!(lines.of(Purpose::Registration), 1);
    assert_eq!(lines.of(Purpose::Storing), 0);
}

#[test]
fn a_marker_that_makes_no_sense_is_an_error() {
    for source in [
        "// count: vaildation",
        "// count: storing",
        "// count: end",
        "// count: storing\n// count: storing",
        "#[validate(range(",
    ] {
        assert!(Lines::count(&[source]).is_err(), "{source}");
    }
}

#[test]
fn a_handler_is_tried_without_a_bus() {
    let mut account = Account::default();
    for event in account.open("ann").unwrap() {
        account.apply_event(&event);
    }
    let command = toolkit_style::Withdraw { account: 7, amount: 5 };
    let refused = toolkit_style::withdraw(&command, &account, &Limits::default().into());
    assert_eq!(refused, Err(Refused::Overdrawn { missing: 5 }));
}
