//! Where points of one picture are in the next: Shi–Tomasi corners spread over the picture, followed by pyramidal Lucas–Kanade there
//! and back.

use image::GrayImage;
use optical_flow_lk::{DetectorContext, Grid, TrackOptions, TrackParams, TrackStatus, TrackerContext};

/// Corners are looked for in each cell, so that they do not crowd on one object.
const GRID: Grid = Grid { cols: 10, rows: 6, max_per_cell: 2 };
/// Corners this much weaker than the strongest are none.
const QUALITY: f32 = 0.01;
/// Corners lie so far apart, pixels.
const DISTANCE: u32 = 6;
/// Levels of the pyramid, each half as large.
const LEVELS: usize = 4;
/// Window and patience of the search; a window flatter than the threshold, (grey levels / pixel)², is not followed.
const PARAMS: TrackParams = TrackParams { window_size: 13, max_iterations: 20, min_eigen_threshold: 0.05 };
/// A point that comes back farther than this from where it began was lost, pixels.
const ROUND_TRIP: f32 = 0.3;
/// A point whose surroundings differ more than this from before, grey levels, was lost.
const RESIDUAL: f32 = 24.0;
/// When fewer of the corners than this are found again, the picture is another one.
const FOLLOWED_MIN: f32 = 0.35;
/// Pictures narrower or lower than this have no room for the search, pixels.
const SIDE_MIN: u32 = 32;

/// A point and where it went, pixels from the picture's middle.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Step {
    pub(super) from: [f32; 2],
    pub(super) to: [f32; 2],
}

/// Buffers, kept between pictures.
#[derive(Default)]
pub(super) struct Flow {
    detector: DetectorContext,
    tracker: TrackerContext,
}

impl Flow {
    /// Follows points from `before` to `now`; none where the sizes differ, there is no texture, or most points were lost.
    pub(super) fn steps(&mut self, before: &GrayImage, now: &GrayImage) -> Vec<Step> {
        let (width, height) = before.dimensions();
        if before.dimensions() != now.dimensions() || width.min(height) < SIDE_MIN {
            return Vec::new();
        }
        let corners = self.detector.detect_grid(before, GRID, QUALITY, DISTANCE, &[]);
        let points: Vec<(f32, f32)> = corners.iter().map(optical_flow_lk::Corner::position).collect();
        self.tracker.prepare(before, now, LEVELS);
        let options = TrackOptions::new().with_fb_levels(2);
        let results = self.tracker.track_fb_with(&points, None, PARAMS, ROUND_TRIP, options);
        let middle = [(width as f32 - 1.0) / 2.0, (height as f32 - 1.0) / 2.0];
        let place = |(x, y): (f32, f32)| [x - middle[0], y - middle[1]];
        let followed = points.iter().zip(results).filter(|(_, result)| {
            result.status == TrackStatus::Tracked
                && result.error <= RESIDUAL
                && result.pos.0.is_finite()
                && result.pos.1.is_finite()
        });
        let steps: Vec<Step> = followed.map(|(&from, result)| Step { from: place(from), to: place(result.pos) }).collect();
        if (steps.len() as f32) < FOLLOWED_MIN * points.len() as f32 { Vec::new() } else { steps }
    }
}
