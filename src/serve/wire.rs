//! The shapes that several routes answer.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::Server;
use super::error::Answer;
use crate::model::{
    AccountId, Analysis, AudioTrack, Decision, HumanLabel, MediaInfo, Micros, PageToken, Rendition, Video, VideoId, VideoStatus,
    VideoTrack,
};
use crate::store::StoreError;

/// A moment, as it leaves weir: RFC 3339 in UTC.
#[derive(Debug, Clone, Copy, PartialEq, ToSchema)]
#[schema(value_type = String, format = DateTime)]
pub struct Moment(pub Micros);

impl Serialize for Moment {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0.rfc3339())
    }
}

/// Bytes of a body, for the document.
#[derive(ToSchema)]
#[schema(value_type = String, format = Binary)]
#[expect(dead_code, reason = "bodies are streamed; this says what they are")]
pub struct Binary(Vec<u8>);

/// A list.
#[derive(Debug, Serialize, ToSchema)]
pub struct List<T> {
    /// The rows.
    pub items: Vec<T>,
    /// Give it back as `cursor` to read on; absent at the end.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    pub next: Option<PageToken>,
}

impl<T> List<T> {
    /// A list that has no further page.
    pub fn whole(items: Vec<T>) -> Self {
        Self { items, next: None }
    }
}

/// Where to go on in a list, and how far.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct Paging {
    /// The `next` of the page before.
    #[param(value_type = Option<String>)]
    pub cursor: Option<PageToken>,
    /// Rows per page, 1 to 200; 50 unless said.
    pub limit: Option<u32>,
}

/// What a person says of a video.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct Label {
    /// `safe` or `harmful`.
    pub label: Decision,
    /// Who said it.
    pub by: AccountId,
    /// Their name, where it is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub by_name: Option<String>,
    /// When.
    pub at: Moment,
    /// Free text.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
}

/// A video in a list.
#[derive(Debug, Serialize, ToSchema)]
pub struct VideoSummary {
    /// Its id.
    pub stream_id: VideoId,
    /// Free text.
    pub title: String,
    /// Whose it is.
    pub owner: String,
    /// The owner's own id.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub external_id: Option<String>,
    /// JSON object.
    #[schema(value_type = Object)]
    pub labels: serde_json::Value,
    /// Packaging; `ready` means playable.
    pub status: VideoStatus,
    /// Analysis.
    pub analysis: Analysis,
    /// Decision.
    pub decision: Decision,
    /// Why it failed: `code: words`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// Length.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub duration_ms: Option<i64>,
    /// Bytes of the original.
    pub size_bytes: i64,
    /// For example `1280x720`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub resolution: Option<String>,
    /// The poster's address.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub poster_url: Option<String>,
    /// The last human label.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub human_label: Option<Label>,
    /// When it was announced.
    pub created_at: Moment,
    /// When packaging ended.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub completed_at: Option<Moment>,
    /// When it was judged.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub decided_at: Option<Moment>,
    /// The verdict's score.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub score: Option<f32>,
}

/// The video track in use.
#[derive(Debug, Serialize, ToSchema)]
pub struct VideoTrackAnswer {
    /// Pixels as shown.
    pub width: u32,
    /// Pixels as shown.
    pub height: u32,
    /// Frames per second.
    pub fps: f64,
    /// For example `h264`.
    pub codec: String,
    /// Degrees clockwise.
    pub rotation: u32,
    /// Whether frame times are uneven.
    pub variable_rate: bool,
}

/// The audio track in use.
#[derive(Debug, Serialize, ToSchema)]
pub struct AudioTrackAnswer {
    /// For example `aac`.
    pub codec: String,
    /// Samples per second.
    pub sample_rate: u32,
    /// Number of channels.
    pub channels: u32,
}

/// What probing found.
#[derive(Debug, Serialize, ToSchema)]
pub struct MediaAnswer {
    /// For example `mov`.
    pub container: String,
    /// The video track in use.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub video: Option<VideoTrackAnswer>,
    /// The audio track in use.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub audio: Option<AudioTrackAnswer>,
    /// What a user should know of the file.
    pub notes: Vec<String>,
}

/// The seeds' metadata of a recording, and what weir knows beside it.
#[derive(Debug, Serialize, ToSchema)]
pub struct VideoMetadata {
    /// What a list says of it.
    #[serde(flatten)]
    pub summary: VideoSummary,
    /// SHA-256 of the original, hex; absent until uploaded.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub checksum: Option<String>,
    /// From upload to the end of packaging.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub processing_latency_ms: Option<i64>,
    /// Names of the renditions, best first.
    pub variants_generated: Vec<String>,
    /// Object keys of the renditions' folders.
    pub variant_paths: Vec<String>,
    /// Object key of the master playlist.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub manifest_path: Option<String>,
    /// Whether every segment begins with a key frame: true for what weir packages.
    pub keyframe_aligned: bool,
    /// Number of the audio track in the original.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub audio_track_id: Option<u32>,
    /// Number of the video track in the original.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub video_track_id: Option<u32>,
    /// When its bytes were stored.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub uploaded_at: Option<Moment>,
    /// When probing began.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub processing_started_at: Option<Moment>,
    /// When packaging began.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub transcoding_started_at: Option<Moment>,
    /// When analysis ended.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub analysed_at: Option<Moment>,
    /// What probing found.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub media: Option<MediaAnswer>,
    /// Packaged renditions, best first.
    pub renditions: Vec<Rendition>,
}

/// Names of those who label, by the ids that labels carry.
pub struct Names(BTreeMap<String, String>);

impl Names {
    /// Everybody's.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn load(server: &Server) -> Result<Self, StoreError> {
        let people = server.app.store.accounts().await?.into_iter().map(|account| (account.id.to_string(), account.name));
        let keys = server.app.store.api_keys().await?.into_iter();
        let keys = keys.map(|key| (key.id.as_str().replacen("key-", "acc-", 1), format!("API key {}", key.name)));
        Ok(Self(people.chain(keys).collect()))
    }

    /// A label with its author's name.
    pub fn label(&self, label: HumanLabel) -> Label {
        let by_name = self.0.get(label.by.as_str()).cloned();
        Label { label: label.label, by_name, by: label.by, at: Moment(label.at), note: label.note }
    }
}

/// Summaries of videos, with names and scores looked up.
///
/// # Errors
/// When the store does not answer.
pub async fn summaries(server: &Server, videos: Vec<Video>) -> Answer<Vec<VideoSummary>> {
    let labelled = videos.iter().any(|video| video.human_label.is_some());
    let names = if labelled { Names::load(server).await? } else { Names(BTreeMap::new()) };
    let mut items = Vec::with_capacity(videos.len());
    for video in videos {
        let score = score_of(server, &video).await?;
        items.push(summary(video, score, &names));
    }
    Ok(items)
}

async fn score_of(server: &Server, video: &Video) -> Result<Option<f32>, StoreError> {
    if !video.decision.is_final() {
        return Ok(None);
    }
    Ok(server.app.store.verdict(&video.id).await?.and_then(|verdict| verdict.score))
}

fn summary(video: Video, score: Option<f32>, names: &Names) -> VideoSummary {
    let resolution =
        video.media.as_ref().and_then(|media| media.video.as_ref()).map(|track| format!("{}x{}", track.width, track.height));
    VideoSummary {
        poster_url: video.poster.as_ref().map(|_| format!("/vod/{}/poster", video.id)),
        resolution,
        human_label: video.human_label.map(|label| names.label(label)),
        stream_id: video.id,
        title: video.title,
        owner: video.owner,
        external_id: video.external_id,
        labels: video.labels,
        status: video.status,
        analysis: video.analysis,
        decision: video.decision,
        reason: video.reason,
        duration_ms: video.duration_ms,
        size_bytes: video.size_bytes,
        created_at: Moment(video.created_at),
        completed_at: video.completed_at.map(Moment),
        decided_at: video.decided_at.map(Moment),
        score,
    }
}

/// Everything that is known of one video.
///
/// # Errors
/// When the store does not answer.
pub async fn metadata(server: &Server, video: Video) -> Answer<VideoMetadata> {
    let names = if video.human_label.is_some() { Names::load(server).await? } else { Names(BTreeMap::new()) };
    let score = score_of(server, &video).await?;
    let variant = |name: &String| video.variants.as_ref().map(|folder| format!("{folder}/{name}"));
    let variants_generated: Vec<String> = video.renditions.iter().map(|rendition| rendition.name.clone()).collect();
    Ok(VideoMetadata {
        checksum: Some(video.sha256.clone()).filter(|sha256| !sha256.is_empty()),
        processing_latency_ms: video.completed_at.zip(video.uploaded_at).map(|(end, begin)| end.ms_since(begin)),
        variant_paths: variants_generated.iter().filter_map(variant).collect(),
        variants_generated,
        manifest_path: video.manifests.as_ref().map(|folder| format!("{folder}/master.m3u8")),
        keyframe_aligned: video.status == VideoStatus::Ready,
        audio_track_id: video.media.as_ref().and_then(|media| Some(media.audio.as_ref()?.index)),
        video_track_id: video.media.as_ref().and_then(|media| Some(media.video.as_ref()?.index)),
        uploaded_at: video.uploaded_at.map(Moment),
        processing_started_at: video.processing_started_at.map(Moment),
        transcoding_started_at: video.transcoding_started_at.map(Moment),
        analysed_at: video.analysed_at.map(Moment),
        media: video.media.clone().map(MediaAnswer::from),
        renditions: video.renditions.clone(),
        summary: summary(video, score, &names),
    })
}

impl From<MediaInfo> for MediaAnswer {
    fn from(media: MediaInfo) -> Self {
        Self {
            container: media.container,
            video: media.video.map(VideoTrackAnswer::from),
            audio: media.audio.map(AudioTrackAnswer::from),
            notes: media.notes,
        }
    }
}

impl From<VideoTrack> for VideoTrackAnswer {
    fn from(track: VideoTrack) -> Self {
        Self {
            width: track.width,
            height: track.height,
            fps: track.fps(),
            codec: track.codec,
            rotation: track.rotation,
            variable_rate: track.variable_rate,
        }
    }
}

impl From<AudioTrack> for AudioTrackAnswer {
    fn from(track: AudioTrack) -> Self {
        Self { codec: track.codec, sample_rate: track.sample_rate, channels: track.channels }
    }
}
