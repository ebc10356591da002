//! The outputs of YOLO-family detectors as objects: four heads, told apart by the shape of the output.
//!
//! With `cells` the number of cells of the grids of strides 8, 16, 32 (and 64 in the large models), and `C` classes:
//!
//! | head | output | numbers | boxes |
//! |---|---|---|---|
//! | [`Head::Anchors`]: v5, v7 | \[1, 3 × cells, 5 + C\] | x, y, w, h, objectness, classes | pixels of the input |
//! | [`Head::Plain`]: v8, v9, v11, v12 | \[1, 4 + C, cells\] | x, y, w, h, classes | pixels of the input |
//! | [`Head::Grid`]: X | \[1, cells, 5 + C\] | as v5 | relative to the cell and its stride, the size as a logarithm |
//! | [`Head::Ended`]: v10, end-to-end exports | \[1, N ≤ 1000, 6\] | left, top, right, bottom, score, class | pixels of the input |
//!
//! Scores are probabilities already: that is how all of them are exported. YOLOv6 has the shape of X with decoded boxes, and is not told
//! apart from it.

use anyhow::{Context as _, bail, ensure};

use super::object::{Object, suppress};
use crate::analyser::options::THRESHOLD_LEAST;
use crate::infer::Tensor;

/// Of two objects of one class that overlap more than this, the weaker is the same object again.
const OVERLAP_MAX: f32 = 0.5;
/// Most objects of a head that suppresses by itself.
const ENDED_MAX: usize = 1000;
/// Strides of the grids, and those of the large models.
const STRIDES: [u32; 4] = [8, 16, 32, 64];

/// How an output is to be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Head {
    /// v5, v7.
    Anchors,
    /// v8, v9, v11, v12.
    Plain,
    /// X.
    Grid,
    /// v10, end-to-end exports.
    Ended,
}

/// What a model's output tells of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Layout {
    /// Its head.
    pub(super) head: Head,
    /// Classes; `None` where the shape does not tell.
    pub(super) classes: Option<usize>,
    /// Width and height of the input, pixels.
    pub(super) input: (u32, u32),
    /// How many of [`STRIDES`] there are.
    grids: usize,
}

impl Layout {
    /// The layout of an output of this shape, for an input of `input` (width, height) pixels.
    ///
    /// # Errors
    /// When it is none of the known ones.
    pub(super) fn of(shape: &[usize], input: (u32, u32)) -> anyhow::Result<Self> {
        let &[1, rows, columns] = shape else { bail!("an output of shape {shape:?} is of no known YOLO head") };
        for grids in [3, 4] {
            let cells = cells(input, grids);
            let known = [
                (rows == 3 * cells && columns > 5, Head::Anchors, columns.saturating_sub(5)),
                (columns == cells && rows > 4, Head::Plain, rows.saturating_sub(4)),
                (rows == cells && columns > 5, Head::Grid, columns.saturating_sub(5)),
            ];
            if let Some((_, head, classes)) = known.into_iter().find(|(fits, ..)| *fits && cells > 0) {
                return Ok(Self { head, classes: Some(classes), input, grids });
            }
        }
        if columns == 6 && (1..=ENDED_MAX).contains(&rows) {
            return Ok(Self { head: Head::Ended, classes: None, input, grids: 0 });
        }
        let cells = cells(input, 3);
        bail!(
            "an output of shape {shape:?} is of no known YOLO head; for this input of {} × {} pixels and C classes these are: \
             [1, {}, 5 + C], [1, 4 + C, {cells}], [1, {cells}, 5 + C], [1, N, 6]",
            input.0,
            input.1,
            3 * cells
        )
    }

    /// The objects that the output tells of, in pixels of the input, the surest first.
    ///
    /// # Errors
    /// When the output has another shape, or holds what is no number or no probability.
    pub(super) fn decode(&self, output: &Tensor) -> anyhow::Result<Vec<Object>> {
        ensure!(
            Self::of(output.shape(), self.input).ok().as_ref() == Some(self),
            "the output has another shape than before: {:?}",
            output.shape()
        );
        let values = output.as_f32()?;
        let columns = output.shape().last().copied().unwrap_or_default();
        let objects = match self.head {
            Head::Plain => plain(values, columns)?,
            Head::Ended => values.chunks_exact(columns).map(ended).collect::<anyhow::Result<Vec<_>>>()?,
            Head::Anchors => values.chunks_exact(columns).map(with_objectness).collect::<anyhow::Result<Vec<_>>>()?,
            Head::Grid => {
                let rows = values.chunks_exact(columns).zip(self.places());
                rows.map(|(row, place)| on_grid(row, place)).collect::<anyhow::Result<Vec<_>>>()?
            }
        };
        let objects: Vec<Object> = objects.into_iter().flatten().collect();
        let finite = objects.iter().flat_map(|object| object.corners).all(f32::is_finite);
        ensure!(finite, "the box of an object is no box");
        Ok(suppress(objects, if self.head == Head::Ended { 1.0 } else { OVERLAP_MAX }))
    }

    /// Column, row and stride of every cell, in the order of the output.
    fn places(&self) -> impl Iterator<Item = (f32, f32, f32)> {
        let (width, height) = self.input;
        STRIDES.into_iter().take(self.grids).flat_map(move |stride| {
            let columns = width / stride;
            (0..columns * (height / stride)).map(move |cell| ((cell % columns) as f32, (cell / columns) as f32, stride as f32))
        })
    }
}

fn cells((width, height): (u32, u32), grids: usize) -> usize {
    STRIDES.iter().take(grids).map(|stride| (width / stride) as usize * (height / stride) as usize).sum()
}

/// # Errors
/// When it is no probability.
fn check(score: f32) -> anyhow::Result<()> {
    ensure!((-0.01..=1.01).contains(&score), "a score is no probability: {score}; was the model exported without its sigmoid?");
    Ok(())
}

/// An object with its middle and size, where it is sure enough.
fn surest(class: usize, score: f32, [x, y, width, height]: [f32; 4]) -> Option<Object> {
    let corners = [x - width / 2.0, y - height / 2.0, x + width / 2.0, y + height / 2.0];
    (score >= THRESHOLD_LEAST).then(|| Object { class, score: score.min(1.0), corners })
}

/// The numbers of one cell lie one row apart.
fn plain(values: &[f32], cells: usize) -> anyhow::Result<Vec<Option<Object>>> {
    let rows: Vec<&[f32]> = values.chunks_exact(cells).collect();
    let (sides, scores) = rows.split_at_checked(4).context("an output without boxes")?;
    let mut best: Vec<(usize, f32)> = vec![(0, 0.0); cells];
    for (class, row) in scores.iter().enumerate() {
        for (best, score) in best.iter_mut().zip(*row) {
            check(*score)?;
            if *score > best.1 {
                *best = (class, *score);
            }
        }
    }
    let objects = best.into_iter().enumerate().map(|(cell, (class, score))| {
        let side = |side: usize| sides.get(side).and_then(|row: &&[f32]| row.get(cell)).copied().unwrap_or(f32::NAN);
        surest(class, score, [side(0), side(1), side(2), side(3)])
    });
    Ok(objects.collect())
}

/// A row of x, y, w, h, objectness and class scores: which class, how sure, where.
fn split(row: &[f32]) -> anyhow::Result<(usize, f32, [f32; 4])> {
    let (&[x, y, width, height, objectness], scores) = row.split_first_chunk().context("a row without a box")?;
    check(objectness)?;
    scores.iter().try_for_each(|score| check(*score))?;
    let best = scores.iter().copied().enumerate().max_by(|a, b| a.1.total_cmp(&b.1));
    let (class, score) = best.context("a row without classes")?;
    Ok((class, objectness * score, [x, y, width, height]))
}

fn with_objectness(row: &[f32]) -> anyhow::Result<Option<Object>> {
    let (class, score, place) = split(row)?;
    Ok(surest(class, score, place))
}

fn on_grid(row: &[f32], (column, line, stride): (f32, f32, f32)) -> anyhow::Result<Option<Object>> {
    let (class, score, [x, y, width, height]) = split(row)?;
    let place = [(x + column) * stride, (y + line) * stride, width.exp() * stride, height.exp() * stride];
    Ok(surest(class, score, place))
}

fn ended(row: &[f32]) -> anyhow::Result<Option<Object>> {
    let &[left, top, right, bottom, score, class] = row else { bail!("a row without a class") };
    check(score)?;
    if score < THRESHOLD_LEAST {
        return Ok(None);
    }
    ensure!((0.0..1e6).contains(&class), "`{class}` is no class");
    Ok(Some(Object { class: class.round() as usize, score: score.min(1.0), corners: [left, top, right, bottom] }))
}

#[cfg(test)]
mod tests;
