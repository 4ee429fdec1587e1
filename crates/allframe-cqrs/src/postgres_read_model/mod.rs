mod failure;
mod projection;
mod read_model;
mod tables;
mod turn;

pub use projection::PostgresProjection;
pub use read_model::PostgresReadModel;
