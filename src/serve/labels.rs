//! What persons say of videos, kept beside the verdict.

use axum::Json;
use axum::extract::State;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::Ctx;
use super::error::{Answer, Problem, ProblemBody};
use super::extract::{Id, Input};
use super::identity::Caller;
use super::wire::{Label, List, Names};
use crate::model::{Decision, Fact, Guard, HumanLabel, VideoId};

/// Notes may be this long.
const NOTE_CHARS: usize = 2000;

/// A label.
#[derive(Deserialize, ToSchema)]
pub struct NewLabel {
    /// `safe` or `harmful`.
    label: Decision,
    /// Free text, at most 2,000 characters.
    note: Option<String>,
}

/// The label that was set.
#[derive(Debug, Serialize, ToSchema)]
pub struct Labelled {
    /// The label.
    pub human_label: Label,
}

/// Label a video. The verdict stays; the label is shown beside it, and counts before it where playback is gated.
#[utoipa::path(
    post, path = "/videos/{id}/label", tag = "verdicts", request_body = NewLabel, params(("id" = VideoId, Path)),
    extensions(("x-weir-role" = json!("reviewer"))),
    responses((status = 200, body = Labelled), (status = 400, body = ProblemBody), (status = 404, body = ProblemBody))
)]
pub async fn label(
    State(server): Ctx,
    caller: Caller,
    Id(id): Id<VideoId>,
    Input(new): Input<NewLabel>,
) -> Answer<Json<Labelled>> {
    if !matches!(new.label, Decision::Safe | Decision::Harmful) {
        return Err(Problem::bad_request(format!("`label` is `safe` or `harmful`, not `{}`", new.label)));
    }
    let note = new.note.map(|note| note.trim().to_owned()).filter(|note| !note.is_empty());
    if note.as_ref().is_some_and(|note| note.chars().count() > NOTE_CHARS) {
        return Err(Problem::bad_request(format!("`note` has at most {NOTE_CHARS} characters")));
    }
    server.video(&id).await?;
    let label = HumanLabel { label: new.label, by: caller.account_id()?, at: server.app.store.now().await?, note };
    let fact = Fact::HumanLabelled { video: id.clone(), label: label.clone() };
    server.app.store.record(&[fact], Guard::Video(id)).await?;
    let names = Names::load(&server).await?;
    Ok(Json(Labelled { human_label: names.label(label) }))
}

/// Every label of a video, newest first.
#[utoipa::path(
    get, path = "/videos/{id}/labels", tag = "verdicts", params(("id" = VideoId, Path)),
    extensions(("x-weir-role" = json!("viewer"))),
    responses((status = 200, body = List<Label>), (status = 404, body = ProblemBody))
)]
pub async fn list(State(server): Ctx, Id(id): Id<VideoId>) -> Answer<Json<List<Label>>> {
    server.video(&id).await?;
    let names = Names::load(&server).await?;
    let labels = server.app.store.human_labels(&id).await?;
    Ok(Json(List::whole(labels.into_iter().map(|label| names.label(label)).collect())))
}
