//! Why a statement or a record failed, before it is put into the words of one of the traits.

use super::super::{EventsError, RecordError, StoreError};

/// What every function on a transaction answers.
pub(in crate::store) type Done<T> = Result<T, Failure>;

/// Why a transaction did nothing.
#[derive(Debug)]
pub(in crate::store) enum Failure {
    /// The rules of `record` refuse it.
    Record(RecordError),
    /// The cursor is older than what is kept.
    Expired(crate::model::Cursor),
    /// The database refused or did not answer.
    Sql(sqlx::Error),
    /// A row does not hold what it should.
    Row(String),
}

impl Failure {
    /// A conflict in words.
    pub(in crate::store) fn conflict(words: impl Into<String>) -> Self {
        Self::Record(RecordError::Conflict(words.into()))
    }

    /// The lease or fence is no longer ours.
    pub(in crate::store) fn stale() -> Self {
        Self::Record(RecordError::Stale)
    }

    /// Whether the same transaction may succeed when it is run again: a deadlock or a serialisation failure.
    pub(in crate::store) fn is_transient(&self) -> bool {
        let Self::Sql(sqlx::Error::Database(error)) = self else { return false };
        matches!(error.code().as_deref(), Some("40001" | "40P01"))
    }

    fn words(self) -> String {
        match self {
            Self::Record(error) => error.to_string(),
            Self::Expired(oldest) => format!("events before {oldest} are gone"),
            Self::Sql(error) => error.to_string(),
            Self::Row(words) => format!("a row cannot be read: {words}"),
        }
    }
}

impl From<sqlx::Error> for Failure {
    fn from(error: sqlx::Error) -> Self {
        Self::Sql(error)
    }
}

impl From<Failure> for RecordError {
    fn from(failure: Failure) -> Self {
        match failure {
            Failure::Record(error) => error,
            other => Self::Down(other.words()),
        }
    }
}

impl From<Failure> for StoreError {
    fn from(failure: Failure) -> Self {
        Self(failure.words())
    }
}

impl From<Failure> for EventsError {
    fn from(failure: Failure) -> Self {
        match failure {
            Failure::Expired(oldest) => Self::Expired { oldest },
            other => Self::Store(other.into()),
        }
    }
}
