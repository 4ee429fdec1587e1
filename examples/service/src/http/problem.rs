//! What went wrong, as `application/problem+json` (RFC 9457).

use allframe_cqrs::{
    CommandError, Error, ProjectionError, QueryError, StoreError, ValidationError, api::message_with_causes,
};
use axum::{
    Json,
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use serde::Serialize;

use crate::domain::Refused;

/// Why a request is not answered as it was meant to be.
#[derive(Debug)]
pub(super) struct Problem {
    status: StatusCode,
    /// In one word, for programs.
    kind: &'static str,
    detail: String,
    fields: Vec<ValidationError>,
}

impl Problem {
    fn new(status: StatusCode, kind: &'static str, detail: impl Into<String>) -> Self {
        Self { status, kind, detail: detail.into(), fields: Vec::new() }
    }

    pub(super) fn not_found(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::NOT_FOUND, "not_found", detail)
    }

    pub(super) fn method_not_allowed() -> Self {
        Self::new(StatusCode::METHOD_NOT_ALLOWED, "method_not_allowed", "not with this method")
    }

    pub(super) fn bad_request(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "invalid", detail)
    }

    pub(super) fn too_large() -> Self {
        Self::new(StatusCode::PAYLOAD_TOO_LARGE, "too_large", "the body is too long")
    }

    pub(super) fn too_slow() -> Self {
        Self::new(StatusCode::REQUEST_TIMEOUT, "too_slow", "the body did not come in time")
    }

    pub(super) fn unavailable(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::SERVICE_UNAVAILABLE, "unavailable", detail)
    }

    fn conflict(kind: &'static str, detail: impl Into<String>) -> Self {
        Self::new(StatusCode::CONFLICT, kind, detail)
    }

    /// What it was is for the log, and not for who asked.
    fn internal(error: &dyn std::error::Error) -> Self {
        tracing::error!(error = message_with_causes(error), "a request failed");
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, "internal", "something went wrong here")
    }

    fn refused(refused: &Refused) -> Self {
        match refused {
            Refused::NoSuchWorkshop { .. } => Self::not_found(refused.to_string()),
            Refused::WorkshopIsThere { .. }
            | Refused::NotEnoughSeats { .. }
            | Refused::NotEnoughCredit { .. }
            | Refused::BookingIsThere { .. }
            | Refused::BookingNotUnderWay { .. } => Self::conflict("refused", refused.to_string()),
        }
    }

    fn of_store(error: &Error) -> Self {
        if error.is_conflict() {
            return Self::conflict("conflict", "others were faster, again and again; try again");
        }
        match error {
            Error::Store(StoreError::InvalidInput(wrong)) => Self::bad_request(wrong.to_string()),
            // The store of a service that ends, or one that has given up after a failure of the disk.
            Error::Store(StoreError::Closed) => Self::unavailable("the store is closed"),
            _ if error.is_retryable() || !error.outcome_is_known() => {
                tracing::warn!(error = message_with_causes(error), "the store does not answer");
                Self::unavailable(
                    "the store does not answer; try again, a command with the same Idempotency-Key",
                )
            }
            _ => Self::internal(error),
        }
    }

    fn timed_out() -> Self {
        Self::unavailable("it took too long; try again, a command with the same Idempotency-Key")
    }
}

impl From<CommandError> for Problem {
    fn from(error: CommandError) -> Self {
        if let Some(refused) = error.rejection::<Refused>() {
            return Self::refused(refused);
        }
        match &error {
            CommandError::Validation(fields) => {
                let detail = "the fields in `errors` are not as they must be";
                Self { fields: fields.clone(), ..Self::bad_request(detail) }
            }
            // A command that has no form in JSON is of no concern to anybody outside.
            CommandError::NotFound(_) | CommandError::NoJsonForm { .. } => {
                Self::not_found("there is no such command")
            }
            CommandError::KeyReused { .. } => {
                Self::new(StatusCode::UNPROCESSABLE_ENTITY, "key_reused", error.to_string())
            }
            CommandError::Denied(_) => Self::new(StatusCode::FORBIDDEN, "denied", error.to_string()),
            CommandError::Rejected(_) | CommandError::BusinessLogic(_) => {
                Self::conflict("refused", error.to_string())
            }
            CommandError::TimedOut(_) => Self::timed_out(),
            CommandError::Overloaded { .. } => Self::unavailable("there is too much to do; try again later"),
            CommandError::Store(store) => Self::of_store(store),
            _ => Self::internal(&error),
        }
    }
}

impl From<QueryError> for Problem {
    fn from(error: QueryError) -> Self {
        match &error {
            QueryError::TimedOut(_) => Self::timed_out(),
            QueryError::Overloaded { .. } => Self::unavailable("there is too much to do; try again later"),
            QueryError::Projection(ProjectionError::TimedOut { .. }) => {
                Self::unavailable("the read model is not there yet; try again")
            }
            QueryError::Projection(ProjectionError::Closed { .. }) => Self::unavailable("the service ends"),
            QueryError::Denied(_) => Self::new(StatusCode::FORBIDDEN, "denied", error.to_string()),
            QueryError::Store(store) => Self::of_store(store),
            _ => Self::internal(&error),
        }
    }
}

#[derive(Serialize)]
struct Body<'a> {
    r#type: &'a str,
    title: &'a str,
    status: u16,
    detail: &'a str,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    errors: Vec<FieldBody<'a>>,
}

#[derive(Serialize)]
struct FieldBody<'a> {
    field: &'a str,
    code: &'a str,
    message: &'a str,
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let errors = self.fields.iter();
        let errors = errors.map(|it| FieldBody { field: &it.field, code: &it.code, message: &it.message });
        let body = Json(Body {
            r#type: self.kind,
            title: self.status.canonical_reason().unwrap_or_default(),
            status: self.status.as_u16(),
            detail: &self.detail,
            errors: errors.collect(),
        });
        let mut response = (self.status, body).into_response();
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
        if self.status == StatusCode::SERVICE_UNAVAILABLE {
            headers.insert(header::RETRY_AFTER, HeaderValue::from_static("1"));
        }
        response
    }
}
