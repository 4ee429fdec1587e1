use std::{
    num::NonZeroUsize,
    sync::{
        Arc, Mutex, OnceLock,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::Duration,
};

use allframe_cqrs::{
    CommandBus, CommandError, Dispatched, async_trait, command,
    middleware::{Audit, AuditEntry, Authorise, ConcurrencyLimit, Layer, Next, Request, Timeout},
};
use futures_util::{FutureExt, future::join_all, poll};

use crate::{
    bank::{AccountEvent, AccountEvent::Deposited, Bank, Deposit, Withdraw},
    support::soon,
};

#[tokio::test]
async fn a_command_that_is_denied_never_reaches_its_handler_nor_what_its_key_remembers() {
    let is_strict = Arc::new(AtomicBool::new(false));
    let strict = Arc::clone(&is_strict);
    let bank = Bank::with(|builder| {
        builder.layer(Authorise::new(move |request: &Request| match request.message::<Withdraw>() {
            Some(withdraw) if withdraw.amount > 10 && strict.load(Ordering::Relaxed) => {
                Err("more than ten needs a second person".to_owned())
            }
            _ => Ok(()),
        }))
    });
    bank.deposit(7, 50).await;
    bank.bus.dispatch_idempotent(Withdraw { account: 7, amount: 11 }, "w").await.unwrap();
    is_strict.store(true, Ordering::Relaxed);
    for key in ["w", "never used"] {
        let withdraw = Withdraw { account: 7, amount: 11 };
        let denied = bank.bus.dispatch_idempotent(withdraw, key).await.unwrap_err();
        assert!(matches!(&denied, CommandError::Denied(why) if why.contains("second person")), "{denied}");
    }
    assert_eq!(bank.ledger.decisions.load(Ordering::Relaxed), 1);
    bank.bus.dispatch(Withdraw { account: 7, amount: 10 }).await.unwrap();
}

struct Noting(&'static str, Arc<Mutex<Vec<String>>>);

#[async_trait]
impl Layer<Dispatched<AccountEvent>, CommandError> for Noting {
    async fn call(
        &self,
        request: Request,
        next: Next<'_, Dispatched<AccountEvent>, CommandError>,
    ) -> Result<Dispatched<AccountEvent>, CommandError> {
        self.1.lock().unwrap().push(format!("{} in", self.0));
        let request = request.map_context(|context| context.with(self.0, "was here"));
        let answer = next.run(request).await;
        self.1.lock().unwrap().push(format!("{} out", self.0));
        answer
    }
}

#[tokio::test]
async fn layers_stand_one_within_the_other_and_may_add_to_the_context() {
    let notes = Arc::new(Mutex::new(Vec::new()));
    let bank = Bank::with(|builder| {
        builder.layer(Noting("outer", Arc::clone(&notes))).layer(Noting("inner", Arc::clone(&notes)))
    });
    bank.deposit(1, 5).await;
    assert_eq!(*notes.lock().unwrap(), ["outer in", "inner in", "inner out", "outer out"]);
    use futures_util::TryStreamExt;
    let events: Vec<_> = bank.store.read_all(allframe_cqrs::ReadAll::forward()).try_collect().await.unwrap();
    assert_eq!(events[0].metadata().get("inner"), Some("was here"));
    assert_eq!(events[0].metadata().get("outer"), Some("was here"));
}

#[command(stream = "account-9")]
struct Hang;

#[tokio::test(start_paused = true)]
async fn a_command_that_takes_too_long_is_given_up() {
    let bank = Bank::with(|builder| {
        builder.layer(Timeout::new(Duration::from_secs(3))).function(|_: Hang| async {
            std::future::pending::<()>().await;
            vec![Deposited { amount: 1 }]
        })
    });
    let error = bank.bus.dispatch(Hang).await.unwrap_err();
    assert!(matches!(error, CommandError::TimedOut(after) if after == Duration::from_secs(3)), "{error}");
    bank.deposit(7, 5).await;
}

#[tokio::test]
async fn only_so_many_go_on_at_a_time_and_beyond_those_that_may_wait_all_are_refused() {
    let limit = ConcurrencyLimit::new(NonZeroUsize::new(2).unwrap()).with_max_waiting(3);
    let (running, most) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
    let gate = Arc::new(tokio::sync::Semaphore::new(0));
    let bank = Bank::with(|builder| {
        let (running, most, gate) = (Arc::clone(&running), Arc::clone(&most), Arc::clone(&gate));
        builder.layer(limit).function(move |_: Hang| {
            let (running, most, gate) = (Arc::clone(&running), Arc::clone(&most), Arc::clone(&gate));
            async move {
                most.fetch_max(running.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
                gate.acquire().await.unwrap().forget();
                running.fetch_sub(1, Ordering::SeqCst);
                vec![Deposited { amount: 1 }]
            }
        })
    });
    let mut dispatched: Vec<_> = (0..6).map(|_| Box::pin(bank.bus.dispatch(Hang))).collect();
    let mut refused = 0;
    for dispatch in &mut dispatched {
        if let std::task::Poll::Ready(answer) = poll!(dispatch) {
            let error = answer.unwrap_err();
            assert!(matches!(error, CommandError::Overloaded { waiting: 3 }), "{error}");
            refused += 1;
        }
    }
    assert_eq!((refused, running.load(Ordering::SeqCst)), (1, 2));
    gate.add_permits(5);
    let done = join_all(dispatched.into_iter().take(5)).await;
    assert!(done.iter().all(Result::is_ok));
    assert_eq!(most.load(Ordering::SeqCst), 2);
}

#[tokio::test]
async fn of_every_command_it_is_told_what_became_of_it_also_where_it_was_dropped() {
    let told = Arc::new(Mutex::new(Vec::new()));
    let bank = Bank::with(|builder| {
        let told = Arc::clone(&told);
        builder
            .layer(Audit::new(move |entry: &AuditEntry<'_>| {
                let what = format!("{} {}", entry.context.name(), entry.outcome);
                told.lock().unwrap().push((what, entry.error.map(str::to_owned)));
            }))
            .function(|_: Hang| std::future::pending::<Vec<AccountEvent>>())
    });
    bank.deposit(7, 5).await;
    bank.bus.dispatch(Withdraw { account: 7, amount: 6 }).await.unwrap_err();
    assert!(bank.bus.dispatch(Hang).now_or_never().is_none());
    let told = told.lock().unwrap();
    let expected =
        [("Deposit ok", None), ("Withdraw rejected", Some("1 is missing")), ("Hang dropped", None)];
    let told: Vec<_> = told.iter().map(|(what, error)| (&**what, error.as_deref())).collect();
    assert_eq!(told, expected);
}

struct Panicking;

#[async_trait]
impl<T: Send + 'static, X: Send + 'static> Layer<T, X> for Panicking {
    async fn call(&self, _request: Request, _next: Next<'_, T, X>) -> Result<T, X> {
        panic!("the layer is tired")
    }
}

#[tokio::test]
async fn a_layer_that_panics_is_an_error_and_the_bus_goes_on() {
    let bank = Bank::with(|builder| builder.layer(Panicking));
    for _ in 0..2 {
        let error = bank.bus.dispatch(Deposit { account: 7, amount: 5 }).await.unwrap_err();
        assert!(
            matches!(&error, CommandError::Panicked { source, .. } if source.message == "the layer is tired"),
            "{error}"
        );
    }
}

#[tokio::test]
async fn what_a_handler_dispatches_is_part_of_what_a_limit_has_let_through() {
    #[command(stream = "account-7")]
    struct Outer;
    let itself = Arc::new(OnceLock::<CommandBus<AccountEvent>>::new());
    let inner = Arc::clone(&itself);
    let bank = Bank::with(|builder| {
        builder.layer(ConcurrencyLimit::new(NonZeroUsize::MIN)).function(move |_: Outer| {
            let inner = Arc::clone(&inner);
            async move {
                inner.get().unwrap().dispatch(Deposit { account: 7, amount: 5 }).await.map(|done| done.events)
            }
        })
    });
    itself.set(bank.bus.clone()).unwrap();
    soon(bank.bus.dispatch(Outer)).await.unwrap();
    assert_eq!(bank.events_of(7).await.len(), 2);
}
