//! Uploads: bytes, a form, or an announcement and its bytes later.

use std::sync::Arc;

use axum::Json;
use axum::extract::{Request, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use futures::Stream;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::error::{Answer, Problem, ProblemBody};
use super::extract::{Args, Id, content_type, is_json, json_of};
use super::identity::Caller;
use super::wire::Binary;
use super::{Ctx, Server};
use crate::model::{UploadId, VideoId, VideoStatus};
use crate::source::upload::{About, UploadError};

/// Parts of a form before the file.
const FIELDS: usize = 16;
/// A part of a form that is not the file may be this long.
const FIELD_BYTES: usize = 16 << 10;

/// What is said of raw bytes.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct UploadArgs {
    /// Free text.
    title: Option<String>,
    /// Whose it is.
    owner: Option<String>,
    /// The owner's own id.
    external_id: Option<String>,
    /// JSON object of at most 4 KiB.
    labels: Option<String>,
    /// What the file is called: the title where there is none.
    filename: Option<String>,
}

/// The seeds' announcement of an upload.
#[derive(Debug, Deserialize, ToSchema)]
pub struct OpenUpload {
    /// Free text.
    title: Option<String>,
    /// Bytes that will come.
    size_bytes: Option<u64>,
    /// Accepted as the seeds send it; probing finds the real one.
    #[expect(dead_code, reason = "part of the seeds' form; the file itself says what it is")]
    resolution: Option<String>,
    /// Whose it is.
    owner: Option<String>,
    /// The owner's own id.
    external_id: Option<String>,
    /// JSON object of at most 4 KiB.
    #[schema(value_type = Option<Object>)]
    labels: Option<serde_json::Value>,
    /// What the file is called.
    filename: Option<String>,
}

/// The form of an upload; the file comes last.
#[derive(ToSchema)]
#[expect(dead_code, reason = "documents the form; its parts are read one by one")]
pub struct UploadForm {
    /// Free text.
    title: Option<String>,
    /// Whose it is.
    owner: Option<String>,
    /// The owner's own id.
    external_id: Option<String>,
    /// JSON object of at most 4 KiB.
    labels: Option<String>,
    /// The bytes.
    file: Binary,
}

/// What became of an upload.
#[derive(Debug, Serialize, ToSchema)]
pub struct UploadAnswer {
    /// The video.
    pub stream_id: VideoId,
    /// `created`: send the bytes to `upload_url`; `uploaded`: they are here.
    pub status: VideoStatus,
    /// Where the bytes go.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub upload_url: Option<String>,
}

/// Upload a video: raw bytes of any other content type, a form, or JSON that opens an upload.
#[utoipa::path(
    post, path = "/vod/upload", tag = "uploads", params(UploadArgs),
    request_body(content((Binary = "application/octet-stream"), (UploadForm = "multipart/form-data"), (OpenUpload = "application/json"))),
    extensions(("x-weir-role" = json!("operator"))),
    responses(
        (status = 201, body = UploadAnswer), (status = 400, body = ProblemBody), (status = 408, body = ProblemBody),
        (status = 409, body = ProblemBody), (status = 413, body = ProblemBody), (status = 422, body = ProblemBody),
        (status = 507, body = ProblemBody)
    )
)]
pub async fn upload(State(server): Ctx, caller: Caller, Args(args): Args<UploadArgs>, request: Request) -> Answer<Response> {
    let owner = caller.default_owner();
    if is_json(request.headers()) {
        return open(&server, owner, request).await;
    }
    if content_type(request.headers()).is_some_and(|kind| kind == "multipart/form-data") {
        return form(server, owner, request).await;
    }
    let about = about_of(args, owner)?;
    let declared = content_length(request.headers());
    let bytes = request.into_body().into_data_stream();
    let video = to_end(async move { server.uploads.store_stream(about, declared, bytes).await }).await?;
    Ok(uploaded(StatusCode::CREATED, video))
}

/// Send the bytes of an opened upload.
#[utoipa::path(
    put, path = "/vod/upload/{upload_id}", tag = "uploads", params(("upload_id" = UploadId, Path)),
    request_body(content = Binary, content_type = "application/octet-stream"),
    extensions(("x-weir-role" = json!("operator"))),
    responses(
        (status = 200, body = UploadAnswer), (status = 404, body = ProblemBody), (status = 408, body = ProblemBody),
        (status = 409, body = ProblemBody), (status = 413, body = ProblemBody), (status = 422, body = ProblemBody),
        (status = 507, body = ProblemBody)
    )
)]
pub async fn fill(State(server): Ctx, Id(upload): Id<UploadId>, request: Request) -> Answer<Response> {
    let declared = content_length(request.headers());
    let bytes = request.into_body().into_data_stream();
    let filled = to_end(async move { server.uploads.fill(&upload, declared, bytes).await }).await;
    let video = filled.map_err(|error| match error {
        UploadError::Unknown(upload) => Problem::conflict(format!("upload `{upload}` is not waiting for bytes")),
        other => other.into(),
    })?;
    Ok(uploaded(StatusCode::OK, video))
}

async fn open(server: &Server, owner: String, request: Request) -> Answer<Response> {
    let given: OpenUpload = json_of(request).await?;
    let limit = server.uploads.limits.max_bytes;
    match given.size_bytes {
        Some(0) => return Err(UploadError::Empty.into()),
        Some(size) if size > limit => return Err(UploadError::TooLarge { limit }.into()),
        _ => {}
    }
    let about = About {
        title: given.title.unwrap_or_default(),
        filename: given.filename.unwrap_or_default(),
        owner: given.owner.unwrap_or(owner),
        external_id: given.external_id,
        labels: given.labels.unwrap_or_default(),
    };
    let (video, upload) = server.uploads.announce(about).await?;
    let answer =
        UploadAnswer { stream_id: video, status: VideoStatus::Created, upload_url: Some(format!("/vod/upload/{upload}")) };
    Ok((StatusCode::CREATED, Json(answer)).into_response())
}

/// The fields are read first, then the file is streamed; nothing may follow it.
async fn form(server: Arc<Server>, owner: String, request: Request) -> Answer<Response> {
    let limit = server.uploads.limits.max_bytes;
    let slack = (FIELDS * FIELD_BYTES) as u64;
    if content_length(request.headers()).is_some_and(|size| size > limit.saturating_add(slack)) {
        return Err(UploadError::TooLarge { limit }.into());
    }
    let kind = request.headers().get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
    let boundary = multer::parse_boundary(kind).map_err(|error| broken_form(&error))?;
    let mut parts = multer::Multipart::new(request.into_body().into_data_stream(), boundary);
    let mut args = UploadArgs::default();
    for _ in 0..=FIELDS {
        let Some(part) = parts.next_field().await.map_err(|error| broken_form(&error))? else {
            return Err(Problem::bad_request("the form has no part `file`"));
        };
        let name = part.name().unwrap_or_default().to_owned();
        if name != "file" {
            set(&mut args, &name, text_of(part).await?)?;
            continue;
        }
        args.filename = part.file_name().map(str::to_owned);
        let about = about_of(args, owner)?;
        let bytes = Box::pin(file_bytes(parts, part));
        let video = to_end(async move { server.uploads.store_stream(about, None, bytes).await }).await?;
        return Ok(uploaded(StatusCode::CREATED, video));
    }
    Err(Problem::bad_request(format!("the form has more than {FIELDS} parts before `file`")))
}

fn set(args: &mut UploadArgs, name: &str, text: String) -> Answer<()> {
    let field = match name {
        "title" => &mut args.title,
        "owner" => &mut args.owner,
        "external_id" => &mut args.external_id,
        "labels" => &mut args.labels,
        _ => {
            let name: String = name.chars().take(40).collect();
            return Err(Problem::bad_request(format!(
                "form part `{name}`: it takes title, owner, external_id, labels and then file"
            )));
        }
    };
    *field = Some(text);
    Ok(())
}

async fn text_of(mut part: multer::Field<'static>) -> Answer<String> {
    let mut bytes = Vec::new();
    while let Some(chunk) = part.chunk().await.map_err(|error| broken_form(&error))? {
        if bytes.len() + chunk.len() > FIELD_BYTES {
            return Err(Problem::bad_request(format!("a form part before `file` has at most {FIELD_BYTES} bytes")));
        }
        bytes.extend_from_slice(&chunk);
    }
    String::from_utf8(bytes).map_err(|_| Problem::bad_request("form parts before `file` are UTF-8"))
}

/// The bytes of the file part; an error when the form does not end after it.
fn file_bytes(
    parts: multer::Multipart<'static>,
    part: multer::Field<'static>,
) -> impl Stream<Item = Result<Bytes, String>> + Send {
    futures::stream::try_unfold((parts, Some(part)), |(mut parts, part)| async move {
        let Some(mut part) = part else { return Ok(None) };
        if let Some(bytes) = part.chunk().await.map_err(|error| error.to_string())? {
            return Ok(Some((bytes, (parts, Some(part)))));
        }
        drop(part);
        match parts.next_field().await {
            Ok(None) => Ok(None),
            Ok(Some(_)) => Err("`file` is the last part of the form, and there is one".to_owned()),
            Err(error) => Err(error.to_string()),
        }
    })
}

fn broken_form(error: &multer::Error) -> Problem {
    Problem::bad_request(format!("form: {error}"))
}

fn about_of(args: UploadArgs, owner: String) -> Answer<About> {
    let labels = match args.labels.filter(|labels| !labels.trim().is_empty()) {
        None => serde_json::Value::Null,
        Some(text) => {
            serde_json::from_str(&text).map_err(|error| Problem::bad_request(format!("`labels` is a JSON object: {error}")))?
        }
    };
    Ok(About {
        title: args.title.unwrap_or_default(),
        filename: args.filename.unwrap_or_default(),
        owner: args.owner.filter(|owner| !owner.is_empty()).unwrap_or(owner),
        external_id: args.external_id,
        labels,
    })
}

fn content_length(headers: &HeaderMap) -> Option<u64> {
    headers.get(header::CONTENT_LENGTH)?.to_str().ok()?.parse().ok()
}

/// Runs to its end even when the client goes away and the request's future is dropped: either everything is left or nothing.
async fn to_end(work: impl Future<Output = Result<VideoId, UploadError>> + Send + 'static) -> Result<VideoId, UploadError> {
    tokio::spawn(work).await.unwrap_or_else(|error| Err(UploadError::Down(error.to_string())))
}

fn uploaded(status: StatusCode, video: VideoId) -> Response {
    (status, Json(UploadAnswer { stream_id: video, status: VideoStatus::Uploaded, upload_url: None })).into_response()
}
