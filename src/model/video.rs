//! A recording and its three states.

use serde::{Deserialize, Serialize};

use super::{HumanLabel, Key, MediaInfo, Micros, Rendition, UploadId, VideoId};

macro_rules! states {
    ($(#[$doc:meta])* $name:ident { $($(#[$vdoc:meta])* $variant:ident = $word:literal),+ $(,)? }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
        pub enum $name { $($(#[$vdoc])* #[serde(rename = $word)] $variant),+ }

        impl $name {
            /// Every value, in order.
            pub const ALL: &'static [Self] = &[$(Self::$variant),+];

            /// The word in the database and the API.
            pub fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $word),+ }
            }
        }

        // By hand: utoipa's derive does not see the names that a macro gives.
        impl utoipa::PartialSchema for $name {
            fn schema() -> utoipa::openapi::RefOr<utoipa::openapi::schema::Schema> {
                let words = Self::ALL.iter().map(|value| value.as_str());
                let object = utoipa::openapi::ObjectBuilder::new().schema_type(utoipa::openapi::Type::String);
                object.enum_values(Some(words)).into()
            }
        }

        impl utoipa::ToSchema for $name {}

        impl std::str::FromStr for $name {
            type Err = String;

            fn from_str(text: &str) -> Result<Self, String> {
                Self::ALL.iter().copied().find(|value| value.as_str() == text).ok_or_else(|| {
                    let words: Vec<_> = Self::ALL.iter().map(|value| value.as_str()).collect();
                    format!("`{}` is none of {}", text.chars().take(40).collect::<String>(), words.join(", "))
                })
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(self.as_str())
            }
        }
    };
}
pub(crate) use states;

states!(
    /// Packaging of a recording, and nothing else: `ready` means playable.
    VideoStatus {
        /// The upload is announced, its bytes are not here.
        Created = "created",
        /// The bytes are stored.
        Uploaded = "uploaded",
        /// It is being probed.
        Processing = "processing",
        /// It is being packaged.
        Transcoding = "transcoding",
        /// It is playable.
        Ready = "ready",
        /// It cannot be packaged; `reason` says why.
        Failed = "failed",
    }
);

impl VideoStatus {
    /// Whether no work is left.
    pub fn is_final(self) -> bool {
        matches!(self, Self::Ready | Self::Failed)
    }
}

states!(
    /// The analysis of a recording.
    Analysis {
        /// Waiting.
        Queued = "queued",
        /// Being looked at.
        Running = "running",
        /// Every analyser is done.
        Done = "done",
        /// Some analysers were skipped, degraded or failed.
        Partial = "partial",
        /// No analyser gave a result.
        Failed = "failed",
    }
);

impl Analysis {
    /// Whether no work is left.
    pub fn is_final(self) -> bool {
        matches!(self, Self::Done | Self::Partial | Self::Failed)
    }
}

states!(
    /// What was decided of a recording.
    Decision {
        /// Not judged yet.
        Pending = "pending",
        /// Under the threshold.
        Safe = "safe",
        /// At or over the threshold.
        Harmful = "harmful",
        /// Too near to the threshold: a person decides.
        Review = "review",
        /// Nothing could be scored.
        Unknown = "unknown",
    }
);

impl Decision {
    /// Whether it was judged.
    pub fn is_final(self) -> bool {
        self != Self::Pending
    }
}

/// A recording, as the store answers it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Video {
    /// Its id.
    pub id: VideoId,
    /// The upload that its bytes came with.
    pub upload: UploadId,
    /// Who it belongs to; `default` unless said otherwise.
    pub owner: String,
    /// The owner's own id, unique per owner.
    pub external_id: Option<String>,
    /// JSON object, at most 4 KiB.
    pub labels: serde_json::Value,
    /// Free text, at most 500 characters.
    pub title: String,
    /// Packaging.
    pub status: VideoStatus,
    /// Analysis.
    pub analysis: Analysis,
    /// Decision.
    pub decision: Decision,
    /// Why `status` is `failed`: a stable code, `: ` and words, for example `unsupported_media: …`.
    pub reason: Option<String>,
    /// Bytes of the original; 0 until uploaded.
    pub size_bytes: i64,
    /// SHA-256 of the original, hex; empty until uploaded.
    pub sha256: String,
    /// Where the original lies: the shared object when equal bytes were there before.
    pub original: Option<Key>,
    /// What probing found.
    pub media: Option<MediaInfo>,
    /// Folder of the winning packaging attempt: renditions below it.
    pub variants: Option<Key>,
    /// Folder with `master.m3u8` and the media playlists.
    pub manifests: Option<Key>,
    /// The poster picture (JPEG).
    pub poster: Option<Key>,
    /// The extracted audio (AAC in MP4).
    pub audio: Option<Key>,
    /// Packaged renditions, best first.
    pub renditions: Vec<Rendition>,
    /// Length of the packaged output in milliseconds; of the probed file until then.
    pub duration_ms: Option<i64>,
    /// The last human label.
    pub human_label: Option<HumanLabel>,
    /// When it was announced.
    pub created_at: Micros,
    /// When its bytes were stored.
    pub uploaded_at: Option<Micros>,
    /// When probing began.
    pub processing_started_at: Option<Micros>,
    /// When packaging began.
    pub transcoding_started_at: Option<Micros>,
    /// When `status` became final.
    pub completed_at: Option<Micros>,
    /// When analysis became final.
    pub analysed_at: Option<Micros>,
    /// When it was judged.
    pub decided_at: Option<Micros>,
}
