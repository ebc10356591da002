//! A detector that the configuration names: any ONNX file with one of the heads of [`yolo`](super::yolo).

use std::sync::{Arc, OnceLock};

use anyhow::{Context as _, ensure};

use super::object::Object;
use super::yolo::{Head, Layout};
use super::{coco, labels};
use crate::analyser::Frame;
use crate::analyser::region::Region;
use crate::infer::{GivenFile, Models, Session, Tensor};

/// Width and height of a model that leaves them open, where nothing else is said.
const OPEN_SIDE: u32 = 640;
/// The widest and highest input.
const SIDE_MAX: u32 = 4096;
/// The border of the letterbox that these models were trained with.
const BORDER: [u8; 3] = [114; 3];
const LABELS_BYTES_MAX: u64 = 1 << 20;

/// What the configuration gives.
#[derive(Debug)]
pub(super) struct Given {
    /// The ONNX file.
    pub(super) model: GivenFile,
    /// Names of its classes, one a line; else those of its metadata.
    pub(super) labels: Option<GivenFile>,
    /// Width and height of its input, which it leaves open; pixels.
    pub(super) size: Option<u32>,
}

impl Given {
    /// What a result key says of it. A file that cannot be read has no digest: the analyser then fails, and failures are not kept.
    pub(super) fn parameters(&self) -> String {
        let digest = |file: &GivenFile| file.digest().unwrap_or_else(|_| "unreadable".to_owned());
        let labels = self.labels.as_ref().map_or_else(String::new, digest);
        let size = self.size.map_or_else(String::new, |size| format!(" size {size}"));
        format!("model {} labels {labels}{size}", digest(&self.model))
    }
}

/// The opened detector.
pub(super) struct Yolo {
    session: Arc<Session>,
    input: String,
    side: (u32, u32),
    names: Option<Vec<String>>,
    /// Which output is read, and how: known after the first run.
    layout: OnceLock<(usize, Layout)>,
}

impl Yolo {
    /// Opens it.
    ///
    /// # Errors
    /// When a file cannot be read or is none of the expected kind, or the model does not take one picture `[1, 3, H, W]`, or has a size of its own
    /// and one was given.
    pub(super) fn open(given: &Given, models: &Models) -> anyhow::Result<Self> {
        let session = models.given(&given.model)?;
        let (input, side) = input_of(&session.inputs(), given.size)?;
        let names = match (&given.labels, session.metadata("names")) {
            (Some(file), _) => {
                let names = labels::lines(&file.text(LABELS_BYTES_MAX)?);
                Some(names.with_context(|| format!("`{}`", file.path().display()))?)
            }
            (None, Some(names)) => Some(labels::of_metadata(&names)?),
            (None, None) => None,
        };
        Ok(Self { session, input, side, names, layout: OnceLock::new() })
    }

    /// The objects of each picture in its frame's pixels, the surest first; one run of the model, where it takes many.
    ///
    /// # Errors
    /// When a frame's bytes are not its size, or the model fails or gives what no known head gives.
    pub(super) fn objects(&self, frames: &[Frame]) -> anyhow::Result<Vec<Vec<Object>>> {
        let (at, layout) = self.layout()?;
        let regions: Vec<Region> = frames.iter().map(|frame| letterbox(layout.head, frame, self.side)).collect();
        let inputs = regions.iter().zip(frames).map(|(region, frame)| {
            let rgb = region.sample(frame, self.side, BORDER)?;
            self.tensor(planes(layout.head, &rgb))
        });
        let outputs = self.session.run_all(&self.input, &inputs.collect::<anyhow::Result<Vec<_>>>()?)?;
        let tensors = outputs.iter().map(|outputs| outputs.iter().nth(at).context("an output is missing"));
        tensors.zip(&regions).map(|(tensor, region)| self.found(&layout, tensor?.1, region)).collect()
    }

    /// Pictures that it takes best at a time.
    pub(super) fn batch(&self) -> usize {
        self.session.best_batch()
    }

    fn found(&self, layout: &Layout, output: &Tensor, region: &Region) -> anyhow::Result<Vec<Object>> {
        let mut objects = layout.decode(output)?;
        for object in &mut objects {
            let [left, top, right, bottom] = object.corners;
            let ([left, top], [right, bottom]) = (region.place(self.side, [left, top]), region.place(self.side, [right, bottom]));
            object.corners = [left, top, right, bottom];
        }
        Ok(objects)
    }

    /// The name of a class.
    pub(super) fn name(&self, class: usize) -> String {
        let named = self.names.as_ref().and_then(|names| names.get(class)).cloned();
        let everyday = || {
            let classes = self.layout.get().and_then(|(_, layout)| layout.classes);
            let coco = self.names.is_none() && classes.is_none_or(|classes| classes == coco::NAMES.len());
            coco.then(|| coco::NAMES.get(class).map(|name| (*name).to_owned())).flatten()
        };
        named.or_else(everyday).unwrap_or_else(|| format!("class {class}"))
    }

    /// How the output is read. Its shape is often left open in the file, so a grey picture is shown first.
    fn layout(&self) -> anyhow::Result<(usize, Layout)> {
        if let Some(known) = self.layout.get() {
            return Ok(*known);
        }
        let outputs = self.run(vec![0.5; 3 * self.side.0 as usize * self.side.1 as usize])?;
        let read = |tensor: &Tensor| Layout::of(tensor.shape(), self.side);
        let known = outputs.iter().position(|tensor| read(tensor).is_ok()).unwrap_or_default();
        let layout = read(outputs.get(known).context("the model has no output")?)?;
        if let (Some(names), Some(classes)) = (&self.names, layout.classes) {
            ensure!(names.len() == classes, "there are {} names for the {classes} classes of the model", names.len());
        }
        Ok(*self.layout.get_or_init(|| (known, layout)))
    }

    fn run(&self, planes: Vec<f32>) -> anyhow::Result<Vec<Tensor>> {
        let outputs = self.session.run(&[(self.input.as_str(), &self.tensor(planes)?)])?;
        Ok(outputs.into_iter().map(|(_, tensor)| tensor).collect())
    }

    fn tensor(&self, planes: Vec<f32>) -> anyhow::Result<Tensor> {
        Ok(Tensor::f32(&[1, 3, self.side.1 as usize, self.side.0 as usize], planes)?)
    }
}

/// The one input: its name, its width and height.
fn input_of(inputs: &[(String, Vec<i64>)], size: Option<u32>) -> anyhow::Result<(String, (u32, u32))> {
    let [(name, shape)] = inputs else { anyhow::bail!("the model has {} inputs; one picture is given", inputs.len()) };
    let wanted = || format!("the input `{name}` has the shape {shape:?}; [1, 3, H, W] is given");
    let &[batch, channels, height, width] = shape.as_slice() else { anyhow::bail!(wanted()) };
    ensure!(matches!(batch, -1 | 1) && matches!(channels, -1 | 3), wanted());
    ensure!(
        size.is_none() || height == -1 || width == -1,
        "`size` is for a model that leaves the size of its input open; the input `{name}` has the shape {shape:?}"
    );
    let open = size.unwrap_or(OPEN_SIDE);
    let side = |pixels: i64| if pixels == -1 { Some(open) } else { u32::try_from(pixels).ok() };
    let sides = side(width).zip(side(height));
    let sides = sides.filter(|&(width, height)| width.min(height) > 0 && width.max(height) <= SIDE_MAX);
    Ok((name.clone(), sides.with_context(wanted)?))
}

/// YOLOX is shown its picture in the upper left corner, the others in the middle.
fn letterbox(head: Head, frame: &Frame, side: (u32, u32)) -> Region {
    let middle = Region::letterbox(frame, side);
    if head != Head::Grid {
        return middle;
    }
    Region { centre: [middle.size[0] / 2.0, middle.size[1] / 2.0], ..middle }
}

/// YOLOX takes blue, green, red from 0 to 255; the others red, green, blue from 0 to 1.
fn planes(head: Head, rgb: &[u8]) -> Vec<f32> {
    let (order, scale) = if head == Head::Grid { ([2, 1, 0], 1.0) } else { ([0, 1, 2], 1.0 / 255.0) };
    let (pixels, _) = rgb.as_chunks::<3>();
    order.into_iter().flat_map(|channel| pixels.iter().map(move |pixel| f32::from(pixel[channel]) * scale)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_input_is_one_picture() {
        let sized = |shape: &[i64], size| input_of(&[("images".to_owned(), shape.to_vec())], size).map(|(_, side)| side).ok();
        let of = |shape: &[i64]| sized(shape, None);
        assert_eq!(of(&[1, 3, 480, 640]), Some((640, 480)));
        assert_eq!(of(&[-1, 3, -1, -1]), Some((640, 640)));
        assert_eq!((sized(&[1, 3, -1, -1], Some(320)), sized(&[1, 3, 480, 640], Some(320))), (Some((320, 320)), None));
        for bad in
            [&[1_i64, 3, 640][..], &[2, 3, 640, 640], &[1, 640, 640, 3], &[1, 3, 0, 640], &[1, 3, 640, -7], &[1, 3, 9000, 640]]
        {
            assert_eq!(of(bad), None, "{bad:?}");
        }
        assert!(input_of(&[], None).is_err());
    }

    #[test]
    fn each_head_gets_its_letterbox_and_its_colours() {
        let frame = Frame::new(0, 0, 4, 2, vec![200; 24]);
        let begins = |head: Head| letterbox(head, &frame, (8, 8)).place((8, 8), [0.0, 2.0])[1];
        assert!(begins(Head::Plain).abs() < 1e-6 && (begins(Head::Grid) - 1.0).abs() < 1e-6);
        assert_eq!(planes(Head::Grid, &[1, 2, 3, 4, 5, 6]), [3.0, 6.0, 2.0, 5.0, 1.0, 4.0]);
        assert!((planes(Head::Plain, &[255, 0, 51])[2] - 0.2).abs() < 1e-6);
    }
}
