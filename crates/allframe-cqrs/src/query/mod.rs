mod error;

use async_trait::async_trait;
pub use error::QueryError;

use crate::event::last_path_segment;

/// A question, whose answer changes nothing. `#[query]` implements it.
///
/// ```
/// use allframe_cqrs::{query, Query};
///
/// #[query]
/// struct BalanceOf { account: String }
///
/// fn is_query<Q: Query>(_: &Q) {}
/// is_query(&BalanceOf { account: "account-7".into() });
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` is no query",
    note = "write `#[query]` on it; the query is the first argument of its handler"
)]
pub trait Query: Send + Sync + 'static {
    /// What it is called in spans and metrics: the name of its type, without path and parameters, unless overridden.
    #[must_use]
    fn name() -> &'static str
    where
        Self: Sized,
    {
        last_path_segment(std::any::type_name::<Self>())
    }
}

/// What a query handler answers.
pub type QueryResult<R> = Result<R, QueryError>;

/// What answers queries of type `Q` with an `R`.
///
/// ```
/// use allframe_cqrs::{async_trait, query, QueryHandler, QueryResult};
///
/// #[query]
/// struct BalanceOf { account: String }
///
/// struct Balances;
///
/// #[async_trait]
/// impl QueryHandler<BalanceOf, u64> for Balances {
///     async fn handle(&self, query: BalanceOf) -> QueryResult<u64> {
///         Ok(query.account.len() as u64)
///     }
/// }
///
/// # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
/// assert_eq!(Balances.handle(BalanceOf { account: "account-7".into() }).await.unwrap(), 9);
/// # });
/// ```
#[async_trait]
pub trait QueryHandler<Q: Query, R: Send + Sync + 'static>: Send + Sync {
    /// Answers a query.
    ///
    /// # Errors
    ///
    /// [`QueryError`] with why there is no answer.
    async fn handle(&self, query: Q) -> QueryResult<R>;
}
