use allframe_cqrs::{Backoff, saga};

macro_rules! saga_with {
    ($name:ident, ($($of_saga:tt)*), ($($of_step:tt)*)) => {
        struct $name;

        #[saga($($of_saga)*)]
        impl $name {
            #[saga_step($($of_step)*)]
            fn hotel(&self, _input: &String) {}
        }
    };
}

saga_with!(NamedWithADash, (name = "book-trip"), ());
saga_with!(NamedNothing, (name = ""), ());
saga_with!(VersionZero, (version = 0), ());
saga_with!(NoInput, (input), ());
saga_with!(NoAttempts, (), (max_attempts = 0));
saga_with!(AfterNothing, (), (after()));
saga_with!(AfterOne, (), (after = hotel));
saga_with!(Failing, (), (on_failure = retry));
saga_with!(BusOfNoCommand, (), (bus = bus));
saga_with!(CommandOnABus, (), (command = bus));
saga_with!(BackoffOfAnotherType, (), (backoff = 7));

const _: Backoff = Backoff::none();

fn main() {}
