//! Reads, one file per subject.

mod analysis;
mod event;
mod log;
mod overview;
mod task;
mod unnamed;
mod video;

use async_trait::async_trait;

use super::backend::SqlStore;
use super::sql::Value;
use super::{Attempt, EventsError, LogLine, Overview, Query, StoreError, TaskFilter, VideoFilter};
use crate::model::{
    AnalyserResult, Cursor, Event, HumanLabel, Key, Page, PageToken, ResultKey, Span, Task, TaskId, UploadId, Verdict, Video,
    VideoId,
};

#[async_trait]
impl Query for SqlStore {
    async fn video(&self, id: &VideoId) -> Result<Option<Video>, StoreError> {
        Ok(video::by_id(&mut self.read().await?, id).await?)
    }

    async fn video_of_upload(&self, upload: &UploadId) -> Result<Option<Video>, StoreError> {
        Ok(video::by_open_upload(&mut self.read().await?, upload).await?)
    }

    async fn video_by_external_id(&self, owner: &str, external_id: &str) -> Result<Option<Video>, StoreError> {
        Ok(video::by_external_id(&mut self.read().await?, owner, external_id).await?)
    }

    async fn videos(&self, filter: &VideoFilter) -> Result<Page<Video>, StoreError> {
        Ok(video::page_with(&mut self.read().await?, filter).await?)
    }

    async fn verdict(&self, id: &VideoId) -> Result<Option<Verdict>, StoreError> {
        Ok(video::verdict(&mut self.read().await?, id).await?)
    }

    async fn human_labels(&self, id: &VideoId) -> Result<Vec<HumanLabel>, StoreError> {
        Ok(video::human_labels(&mut self.read().await?, id).await?)
    }

    async fn result(&self, key: &ResultKey) -> Result<Option<AnalyserResult>, StoreError> {
        Ok(analysis::result(&mut self.read().await?, key).await?)
    }

    async fn results(&self, id: &VideoId) -> Result<Vec<AnalyserResult>, StoreError> {
        Ok(analysis::results(&mut self.read().await?, id).await?)
    }

    async fn spans(
        &self,
        id: &VideoId,
        analyser: Option<&str>,
        from_ms: i64,
        to_ms: i64,
        limit: u32,
    ) -> Result<Vec<Span>, StoreError> {
        let wanted = analysis::Wanted { analyser, from_ms, to_ms, limit };
        Ok(analysis::spans(&mut self.read().await?, id, &wanted).await?)
    }

    async fn task(&self, id: &TaskId) -> Result<Option<Task>, StoreError> {
        Ok(task::by_id(&mut self.read().await?, id).await?)
    }

    async fn tasks(&self, filter: &TaskFilter) -> Result<Page<Task>, StoreError> {
        Ok(task::page(&mut self.read().await?, filter).await?)
    }

    async fn attempts(&self, id: &VideoId) -> Result<Vec<Attempt>, StoreError> {
        Ok(task::attempts(&mut self.read().await?, id).await?)
    }

    async fn overview(&self) -> Result<Overview, StoreError> {
        Ok(overview::overview(&mut self.read().await?).await?)
    }

    async fn events(&self, after: Cursor, max: usize) -> Result<Vec<Event>, EventsError> {
        let mut tx = self.read().await?;
        Ok(event::beyond(&mut tx, after, max).await?)
    }

    async fn newest_event(&self) -> Result<Cursor, StoreError> {
        Ok(event::newest(&mut self.read().await?).await?)
    }

    async fn unnamed(&self, folders: &[Key]) -> Result<Vec<Key>, StoreError> {
        Ok(unnamed::unnamed(&mut self.read().await?, folders).await?)
    }

    async fn logs(&self, level: &str, before: Option<i64>, limit: u32) -> Result<Vec<LogLine>, StoreError> {
        Ok(log::newest(&mut self.read().await?, level, before, limit).await?)
    }
}

/// Rows of a list: 1 to 200.
fn page_rows(limit: u32) -> i64 {
    i64::from(limit.clamp(1, 200))
}

/// The conditions of a list, put together from fixed texts; every `?` stands for the value given with it.
struct Conditions {
    text: Vec<String>,
    values: Vec<Value>,
}

impl Conditions {
    fn new(first: &'static str) -> Self {
        Self { text: vec![first.to_owned()], values: Vec::new() }
    }

    /// Adds a condition when there is a value for it.
    fn with<T: Into<Value>>(mut self, condition: &'static str, value: Option<T>) -> Self {
        if let Some(value) = value {
            self.values.push(value.into());
            self.text.push(condition.replace('?', &format!("${}", self.values.len())));
        }
        self
    }

    /// Adds a condition on two values.
    fn with_pair(mut self, condition: &'static str, first: &str, second: &str) -> Self {
        for value in [first, second] {
            self.values.push(value.into());
        }
        let last = self.values.len();
        let text = condition.replacen('?', &format!("${}", last - 1), 1).replacen('?', &format!("${last}"), 1);
        self.text.push(text);
        self
    }

    /// Continues a list that is ordered by creation, newest first.
    fn beyond(mut self, cursor: Option<&PageToken>) -> Self {
        if let Some(cursor) = cursor {
            self.values.extend([cursor.at.into(), cursor.id.as_str().into()]);
            let last = self.values.len();
            self.text.push(format!("(created_at, id) < (${}, ${last})", last - 1));
        }
        self
    }

    fn sql(&self) -> String {
        self.text.join(" AND ")
    }
}

/// A page of `rows`, which are one more than `limit` when there is a next page.
fn page<T>(mut items: Vec<T>, limit: i64, token: impl Fn(&T) -> PageToken) -> Page<T> {
    let more = items.len() as i64 > limit;
    items.truncate(limit as usize);
    let next = if more { items.last().map(token) } else { None };
    Page { items, next }
}
