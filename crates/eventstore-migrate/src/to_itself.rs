//! Whether a store that is to take the place of another one leads back to it, whatever is wrapped around.

use std::cell::Cell;

tokio::task_local! {
    /// Set while a switch asks the store that is to come.
    static ASKED: Asked;
}

/// Which store must not be asked on the way, and whether it was.
struct Asked {
    address: usize,
    was_asked: Cell<bool>,
}

/// What a call comes to, and whether the store of this address was asked on the way. A call that goes on in another task, or
/// is answered without it, leaves no trace there.
pub(crate) async fn leads_to<T>(address: usize, call: impl Future<Output = T>) -> (T, bool) {
    let asked = Asked { address, was_asked: Cell::new(false) };
    let traced = async {
        let answer = call.await;
        (answer, ASKED.with(|asked| asked.was_asked.get()))
    };
    ASKED.scope(asked, traced).await
}

/// Leaves a trace of the store of this address, where somebody looks for one.
pub(crate) fn leave_trace(address: usize) {
    let _ = ASKED.try_with(|asked| {
        if asked.address == address {
            asked.was_asked.set(true);
        }
    });
}
