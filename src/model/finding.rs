//! Findings: what analysers saw and heard, in one shape.

use serde::{Deserialize, Serialize};

/// One thing seen or heard, at one sample or over a span.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Default, utoipa::ToSchema)]
pub struct Finding {
    /// First millisecond.
    pub start_ms: i64,
    /// Last millisecond; equal to `start_ms` for a moment.
    pub end_ms: i64,
    /// Frame number where a frame was looked at, counted from 0 over all frames of the video.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub frame: Option<u64>,
    /// What it is, for example `person`, `cut`, `speech`.
    pub label: String,
    /// 0 to 1.
    pub confidence: f32,
    /// `[x, y, w, h]` in source pixels as shown.
    #[serde(rename = "box", skip_serializing_if = "Option::is_none", default)]
    pub bounds: Option<[f32; 4]>,
    /// Read or spoken text.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub text: Option<String>,
    /// Anything else, in the shape that the analyser documents.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub value: Option<serde_json::Value>,
}

/// A merged span or track of findings: what becomes a row and is searched, counted and judged.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Span {
    /// The analyser's name.
    pub analyser: String,
    /// The finding that stands for the span: its times cover the span, its confidence is the highest.
    #[serde(flatten)]
    pub finding: Finding,
    /// How many findings were merged.
    pub count: u32,
}
