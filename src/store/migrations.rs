//! The tables, compiled in. Migrations go forward; the same number and name is there for both databases (a test compares them).

use std::borrow::Cow;

use sqlx::SqlSafeStr;
use sqlx::migrate::{MigrateError, Migration, MigrationType, Migrator};

use super::StoreError;

/// One step: number, name, and its text on each database.
struct Step {
    number: i64,
    name: &'static str,
    sqlite: &'static str,
    postgres: &'static str,
}

macro_rules! step {
    ($number:literal, $name:literal, $file:literal) => {
        Step {
            number: $number,
            name: $name,
            sqlite: include_str!(concat!("../../migrations/sqlite/", $file)),
            postgres: include_str!(concat!("../../migrations/postgres/", $file)),
        }
    };
}

const STEPS: &[Step] = &[step!(1, "first", "0001_first.sql"), step!(2, "recovery", "0002_recovery.sql")];

fn migrator(text: impl Fn(&Step) -> &'static str) -> Migrator {
    let step = |step: &Step| {
        Migration::new(step.number, Cow::Borrowed(step.name), MigrationType::Simple, text(step).into_sql_str(), false)
    };
    Migrator::with_migrations(STEPS.iter().map(step).collect())
}

/// The tables of SQLite.
pub(super) fn sqlite() -> Migrator {
    migrator(|step| step.sqlite)
}

/// The tables of PostgreSQL.
pub(super) fn postgres() -> Migrator {
    migrator(|step| step.postgres)
}

/// What a failed migration means for the operator.
pub(super) fn explain(error: &MigrateError) -> StoreError {
    let newest = STEPS.last().map_or(0, |step| step.number);
    StoreError(match error {
        MigrateError::VersionMissing(found) => {
            format!(
                "it was written by a newer weir (migration {found}; this one knows up to {newest}); use that version or newer"
            )
        }
        MigrateError::VersionMismatch(found) => {
            format!("migration {found} is not the one that this weir carries; use the version that made the database")
        }
        other => other.to_string(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_databases_have_the_same_steps_and_all_are_compiled_in() {
        let files = |folder: &str| {
            let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("migrations").join(folder);
            let mut names: Vec<_> =
                std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
            names.sort();
            names
        };
        let compiled: Vec<_> = STEPS.iter().map(|step| format!("{:04}_{}.sql", step.number, step.name)).collect();
        assert_eq!(files("sqlite"), compiled);
        assert_eq!(files("postgres"), compiled);
    }
}
