//! Values that go into statements and rows that come out.

use std::fmt::Display;
use std::str::FromStr;

use serde::de::DeserializeOwned;
use sqlx::postgres::PgRow;
use sqlx::sqlite::SqliteRow;
use sqlx::{Column, Row as _, TypeInfo, ValueRef};

use super::{Done, Failure};
use crate::model::Micros;

/// One value; nothing is SQL's NULL, which has a type on PostgreSQL.
#[derive(Debug, Clone, PartialEq)]
pub(in crate::store) enum Value {
    /// BIGINT.
    Int(Option<i64>),
    /// DOUBLE PRECISION.
    Real(Option<f64>),
    /// TEXT. PostgreSQL cannot hold U+0000; it is kept as U+FFFD on both databases.
    Text(Option<String>),
}

impl Value {
    /// A truth value as 0 or 1.
    pub(in crate::store) fn flag(flag: bool) -> Self {
        Self::Int(Some(i64::from(flag)))
    }

    /// The JSON text of a value.
    pub(in crate::store) fn json<T: serde::Serialize>(value: &T) -> Done<Self> {
        serde_json::to_string(value).map(Self::from).map_err(|error| Failure::Row(error.to_string()))
    }
}

fn storable(text: &str) -> String {
    if text.contains('\0') { text.replace('\0', "\u{FFFD}") } else { text.to_owned() }
}

impl From<i64> for Value {
    fn from(int: i64) -> Self {
        Self::Int(Some(int))
    }
}
impl From<i32> for Value {
    fn from(int: i32) -> Self {
        Self::Int(Some(i64::from(int)))
    }
}
impl From<u32> for Value {
    fn from(int: u32) -> Self {
        Self::Int(Some(i64::from(int)))
    }
}
impl From<Option<i64>> for Value {
    fn from(int: Option<i64>) -> Self {
        Self::Int(int)
    }
}
impl From<Micros> for Value {
    fn from(at: Micros) -> Self {
        Self::Int(Some(at.0))
    }
}
impl From<Option<Micros>> for Value {
    fn from(at: Option<Micros>) -> Self {
        Self::Int(at.map(|at| at.0))
    }
}
impl From<f64> for Value {
    fn from(real: f64) -> Self {
        Self::Real(Some(real))
    }
}
impl From<f32> for Value {
    fn from(real: f32) -> Self {
        Self::Real(Some(f64::from(real)))
    }
}
impl From<Option<f32>> for Value {
    fn from(real: Option<f32>) -> Self {
        Self::Real(real.map(f64::from))
    }
}
impl From<&str> for Value {
    fn from(text: &str) -> Self {
        Self::Text(Some(storable(text)))
    }
}
impl From<String> for Value {
    fn from(text: String) -> Self {
        Self::Text(Some(storable(&text)))
    }
}
impl From<Option<&str>> for Value {
    fn from(text: Option<&str>) -> Self {
        Self::Text(text.map(storable))
    }
}

/// A row, read column by column from the left.
#[derive(Debug)]
pub(in crate::store) struct Row {
    cells: std::vec::IntoIter<Value>,
}

impl Row {
    fn next(&mut self) -> Done<Value> {
        self.cells.next().ok_or_else(|| Failure::Row("it has fewer columns than are read".to_owned()))
    }

    /// BIGINT or NULL.
    pub(in crate::store) fn opt_int(&mut self) -> Done<Option<i64>> {
        match self.next()? {
            Value::Int(int) => Ok(int),
            Value::Real(None) | Value::Text(None) => Ok(None),
            other => Err(Failure::Row(format!("{other:?} is not an integer"))),
        }
    }

    /// BIGINT.
    pub(in crate::store) fn int(&mut self) -> Done<i64> {
        self.opt_int()?.ok_or_else(null)
    }

    /// BIGINT that fits into another integer type.
    pub(in crate::store) fn small<T: TryFrom<i64>>(&mut self) -> Done<T> {
        let int = self.int()?;
        T::try_from(int).map_err(|_| Failure::Row(format!("{int} is out of range")))
    }

    /// 0 or 1.
    pub(in crate::store) fn flag(&mut self) -> Done<bool> {
        Ok(self.int()? != 0)
    }

    /// A moment.
    pub(in crate::store) fn at(&mut self) -> Done<Micros> {
        self.int().map(Micros)
    }

    /// A moment or NULL.
    pub(in crate::store) fn opt_at(&mut self) -> Done<Option<Micros>> {
        Ok(self.opt_int()?.map(Micros))
    }

    /// DOUBLE PRECISION or NULL.
    pub(in crate::store) fn opt_real(&mut self) -> Done<Option<f64>> {
        match self.next()? {
            Value::Real(real) => Ok(real),
            Value::Int(int) => Ok(int.map(|int| int as f64)),
            Value::Text(None) => Ok(None),
            other @ Value::Text(Some(_)) => Err(Failure::Row(format!("{other:?} is not a number"))),
        }
    }

    /// DOUBLE PRECISION.
    pub(in crate::store) fn real(&mut self) -> Done<f64> {
        self.opt_real()?.ok_or_else(null)
    }

    /// TEXT or NULL.
    pub(in crate::store) fn opt_text(&mut self) -> Done<Option<String>> {
        match self.next()? {
            Value::Text(text) => Ok(text),
            Value::Int(None) | Value::Real(None) => Ok(None),
            other => Err(Failure::Row(format!("{other:?} is not text"))),
        }
    }

    /// TEXT.
    pub(in crate::store) fn text(&mut self) -> Done<String> {
        self.opt_text()?.ok_or_else(null)
    }

    /// TEXT that is an id, a state or a key, or NULL.
    pub(in crate::store) fn opt_parsed<T: FromStr<Err: Display>>(&mut self) -> Done<Option<T>> {
        self.opt_text()?.map(|text| text.parse().map_err(|error: T::Err| Failure::Row(error.to_string()))).transpose()
    }

    /// TEXT that is an id, a state or a key.
    pub(in crate::store) fn parsed<T: FromStr<Err: Display>>(&mut self) -> Done<T> {
        self.opt_parsed()?.ok_or_else(null)
    }

    /// JSON text or NULL.
    pub(in crate::store) fn opt_json<T: DeserializeOwned>(&mut self) -> Done<Option<T>> {
        self.opt_text()?.map(|text| serde_json::from_str(&text).map_err(|error| Failure::Row(error.to_string()))).transpose()
    }

    /// JSON text.
    pub(in crate::store) fn json<T: DeserializeOwned>(&mut self) -> Done<T> {
        self.opt_json()?.ok_or_else(null)
    }
}

fn null() -> Failure {
    Failure::Row("a column is NULL that must not be".to_owned())
}

pub(super) fn sqlite_row(row: &SqliteRow) -> Done<Row> {
    let mut cells = Vec::with_capacity(row.columns().len());
    for index in 0..row.columns().len() {
        let raw = row.try_get_raw(index)?;
        if raw.is_null() {
            cells.push(Value::Text(None));
            continue;
        }
        let kind = raw.type_info().name().to_owned();
        cells.push(match kind.as_str() {
            "INTEGER" => Value::Int(row.try_get_unchecked(index)?),
            "REAL" => Value::Real(row.try_get_unchecked(index)?),
            _ => Value::Text(row.try_get_unchecked(index)?),
        });
    }
    Ok(Row { cells: cells.into_iter() })
}

pub(super) fn postgres_row(row: &PgRow) -> Done<Row> {
    let mut cells = Vec::with_capacity(row.columns().len());
    for (index, column) in row.columns().iter().enumerate() {
        cells.push(match column.type_info().name() {
            "INT8" => Value::Int(row.try_get(index)?),
            "INT4" => Value::Int(row.try_get::<Option<i32>, _>(index)?.map(i64::from)),
            "FLOAT8" => Value::Real(row.try_get(index)?),
            "TEXT" | "VARCHAR" => Value::Text(row.try_get(index)?),
            "VOID" => Value::Text(None),
            other => return Err(Failure::Row(format!("column `{}` has the type {other}", column.name()))),
        });
    }
    Ok(Row { cells: cells.into_iter() })
}
