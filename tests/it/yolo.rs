//! A user's own detector: tiny ONNX files, one for each head that is known, made here byte by byte and run by ONNX Runtime.
//!
//! Each answers a fixed table times the mean of the picture that it is shown, so that what it finds also tells how it was shown.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde_json::{Value, json};
use weir::analyser::{self, Analyser, Frame, Options};
use weir::infer::Models;
use weir::model::{Finding, MediaInfo};

use crate::support::models;

const DETECTION: &str = "object_detection";
/// Cells of a 64 × 64 input: 8 × 8, 4 × 4, 2 × 2.
const CELLS: usize = 84;

/// A protocol buffer field of bytes.
fn bytes(field: u64, content: &[u8]) -> Vec<u8> {
    [varint(field << 3 | 2), varint(content.len() as u64), content.to_vec()].concat()
}

/// A protocol buffer field of a number.
fn integer(field: u64, value: u64) -> Vec<u8> {
    [varint(field << 3), varint(value)].concat()
}

fn varint(mut value: u64) -> Vec<u8> {
    let mut written = Vec::new();
    while value >= 0x80 {
        written.push(value as u8 | 0x80);
        value >>= 7;
    }
    written.push(value as u8);
    written
}

fn node(operator: &str, inputs: &[&str], output: &str, attributes: &[Vec<u8>]) -> Vec<u8> {
    let inputs = inputs.iter().flat_map(|input| bytes(1, input.as_bytes()));
    let attributes = attributes.iter().flat_map(|attribute| bytes(5, attribute));
    inputs.chain(bytes(2, output.as_bytes())).chain(bytes(4, operator.as_bytes())).chain(attributes).collect()
}

/// A named tensor of 32-bit floats, as `ValueInfoProto`. A side of 0 is left open.
fn described(name: &str, shape: &[usize]) -> Vec<u8> {
    let side = |side: &usize| if *side == 0 { bytes(2, b"side") } else { integer(1, *side as u64) };
    let sides: Vec<u8> = shape.iter().flat_map(|pixels| bytes(1, &side(pixels))).collect();
    let tensor = [integer(1, 1), bytes(2, &sides)].concat();
    [bytes(1, name.as_bytes()), bytes(2, &bytes(1, &tensor))].concat()
}

/// `ModelProto`: images [1, 3, 64, 64] → their mean × `table`.
fn onnx(shape: &[usize], table: &[f32], names: Option<&str>) -> Vec<u8> {
    onnx_of(&[1, 3, 64, 64], shape, table, names)
}

/// The same for images of another shape.
fn onnx_of(images: &[usize], shape: &[usize], table: &[f32], names: Option<&str>) -> Vec<u8> {
    assert_eq!(shape.iter().product::<usize>(), table.len());
    let raw: Vec<u8> = table.iter().flat_map(|value| value.to_le_bytes()).collect();
    let sides: Vec<u8> = shape.iter().flat_map(|side| integer(1, *side as u64)).collect();
    let initializer = [sides, integer(2, 1), bytes(8, b"table"), bytes(9, &raw)].concat();
    let keep_no_sides = [bytes(1, b"keepdims"), integer(3, 0), integer(20, 2)].concat();
    let graph = [
        bytes(1, &node("ReduceMean", &["images"], "mean", &[keep_no_sides])),
        bytes(1, &node("Mul", &["table", "mean"], "output0", &[])),
        bytes(2, b"tiny"),
        bytes(5, &initializer),
        bytes(11, &described("images", images)),
        bytes(12, &described("output0", shape)),
    ]
    .concat();
    let opset = bytes(8, &[bytes(1, b""), integer(2, 13)].concat());
    let entry = |names: &str| bytes(14, &[bytes(1, b"names"), bytes(2, names.as_bytes())].concat());
    [integer(1, 8), opset, bytes(7, &graph), names.map(entry).unwrap_or_default()].concat()
}

/// A table of zeros in which one row is `row`.
fn table(shape: [usize; 3], at: usize, row: &[f32]) -> Vec<f32> {
    let mut table = vec![0.0; shape.iter().product()];
    table[at * shape[2]..][..row.len()].copy_from_slice(row);
    table
}

fn detector(model: &Path, labels: Option<&Path>) -> Box<dyn Analyser> {
    configured(&json!({ "model": model, "labels": labels.map_or_else(PathBuf::new, Path::to_path_buf) }))
}

fn configured(given: &Value) -> Box<dyn Analyser> {
    let options = Options(BTreeMap::from([(DETECTION.to_owned(), given.as_object().cloned().unwrap())]));
    let mut all = analyser::all(&options).unwrap().into_iter();
    all.find(|analyser| analyser.spec().name == DETECTION).unwrap()
}

fn found(analyser: &dyn Analyser, models: &Arc<Models>, frame: &Frame) -> anyhow::Result<Vec<Finding>> {
    let mut pass = analyser.begin(&MediaInfo::default(), models)?;
    let mut findings = Vec::new();
    pass.frames(std::slice::from_ref(frame), &mut findings)?;
    Ok(findings)
}

/// A white picture of twice the input's size: its mean is 1, or 255 for the head that takes bytes.
fn white() -> Frame {
    Frame::new(0, 0, 128, 128, vec![255; 128 * 128 * 3])
}

#[test]
fn every_head_is_read() {
    let Some(models) = models(&[]).filter(|models| models.require(&[]).is_ok()) else {
        println!("skipped: ONNX Runtime is not here");
        return;
    };
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("own.onnx");
    let names = r#"{0: 'forklift', 1: "worker's helmet"}"#;
    let (v5, v8, x) = ([1, 3 * CELLS, 7], [1, 6, CELLS], [1, CELLS, 7]);
    let mut plain = vec![0.0; 6 * CELLS];
    for (row, value) in [32.0, 16.0, 20.0, 10.0, 0.1, 0.72].into_iter().enumerate() {
        plain[row * CELLS + 30] = value;
    }
    // Cell 64 + 5 is of stride 16, column 1, row 1.
    let on_grid: Vec<f32> = [1.0, 0.0, 1.25_f32.ln(), 0.625_f32.ln(), 0.9, 0.1, 0.8].map(|value: f32| value / 255.0).to_vec();
    for (head, shape, table) in [
        ("v5", v5, table(v5, 100, &[32.0, 16.0, 20.0, 10.0, 0.9, 0.1, 0.8])),
        ("v8", v8, plain),
        ("x", x, table(x, 69, &on_grid)),
        ("v10", [1, 10, 6], table([1, 10, 6], 2, &[22.0, 11.0, 42.0, 21.0, 0.72, 1.0])),
    ] {
        std::fs::write(&path, onnx(&shape, &table, Some(names))).unwrap();
        let findings = found(&*detector(&path, None), &models, &white()).unwrap();
        assert_eq!(findings.len(), 1, "{head}");
        assert_eq!(findings[0].label, "worker's helmet", "{head}");
        assert!((findings[0].confidence - 0.72).abs() < 1e-3, "{head}: {}", findings[0].confidence);
        for (side, expected) in findings[0].bounds.unwrap().iter().zip([44.0, 22.0, 40.0, 20.0]) {
            assert!((side - expected).abs() < 0.2, "{head}: {:?}", findings[0].bounds);
        }
    }
}

#[test]
fn a_wide_picture_gets_grey_borders() {
    let Some(models) = models(&[]).filter(|models| models.require(&[]).is_ok()) else { return };
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("own.onnx");
    std::fs::write(&path, onnx(&[1, 10, 6], &table([1, 10, 6], 0, &[0.0, 32.0, 64.0, 64.0, 0.9, 0.0]), None)).unwrap();
    // Half of the input is white, half is border: the mean is (1 + 114/255) / 2.
    let frame = Frame::new(0, 0, 128, 64, vec![255; 128 * 64 * 3]);
    let findings = found(&*detector(&path, None), &models, &frame).unwrap();
    let mean = f32::midpoint(1.0, 114.0 / 255.0);
    assert_eq!((findings.len(), findings[0].label.as_str()), (1, "person"), "no names: those of COCO");
    assert!((findings[0].confidence - 0.9 * mean).abs() < 0.01, "{}", findings[0].confidence);
    // The answer's 32 × mean lies 16 pixels of border below the picture's top, and a pixel is two.
    assert!((findings[0].bounds.unwrap()[1] - (32.0 * mean - 16.0) * 2.0).abs() < 0.5, "{:?}", findings[0].bounds);
}

#[test]
fn labels_come_from_a_list_and_must_fit() {
    let Some(models) = models(&[]).filter(|models| models.require(&[]).is_ok()) else { return };
    let folder = tempfile::tempdir().unwrap();
    let (path, labels) = (folder.path().join("own.onnx"), folder.path().join("labels.txt"));
    let table = table([1, CELLS, 7], 0, &[0.0; 7]);
    std::fs::write(&path, onnx(&[1, CELLS, 7], &table, None)).unwrap();
    let parameters = || detector(&path, Some(&labels)).parameters();
    assert!(parameters().ends_with("unreadable"));
    std::fs::write(&labels, "forklift\nhelmet\n").unwrap();
    let two = parameters();
    assert!(found(&*detector(&path, Some(&labels)), &models, &white()).unwrap().is_empty());
    std::fs::write(&labels, "forklift\nhelmet\nvest\n").unwrap();
    assert_ne!(parameters(), two, "results are keyed by the labels");
    let error = found(&*detector(&path, Some(&labels)), &models, &white()).unwrap_err().to_string();
    assert_eq!(error, "there are 3 names for the 2 classes of the model");
    let with_labels = parameters();
    std::fs::write(&path, onnx(&[1, CELLS, 7], &vec![0.5; CELLS * 7], None)).unwrap();
    assert_ne!(parameters(), with_labels, "and by the model");
}

#[test]
fn what_is_no_detector_is_refused_with_its_reason() {
    let Some(models) = models(&[]).filter(|models| models.require(&[]).is_ok()) else { return };
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("own.onnx");
    let refused = || found(&*detector(&path, None), &models, &white()).unwrap_err().to_string();
    assert!(refused().contains("own.onnx"), "{}", refused());
    std::fs::write(&path, b"nonsense").unwrap();
    assert!(refused().contains("does not load"), "{}", refused());
    std::fs::write(&path, onnx(&[1, 1000], &vec![0.0; 1000], None)).unwrap();
    assert!(refused().contains("of no known YOLO head"), "{}", refused());
    std::fs::write(&path, onnx(&[1, CELLS, 7], &vec![9.0; CELLS * 7], None)).unwrap();
    assert!(refused().contains("no probability"), "{}", refused());
    let options = Options(BTreeMap::from([(DETECTION.to_owned(), json!({ "labels": "a.txt" }).as_object().cloned().unwrap())]));
    let error = analyser::all(&options).err().unwrap().to_string();
    assert!(error.contains("needs a `model`"), "{error}");
}

#[test]
fn the_least_score_and_the_size_of_an_open_input_are_the_users() {
    let Some(models) = models(&[]).filter(|models| models.require(&[]).is_ok()) else { return };
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("own.onnx");
    let two = [[0.0, 0.0, 32.0, 32.0, 0.72, 1.0], [0.0, 0.0, 32.0, 32.0, 0.2, 1.0]].concat();
    std::fs::write(&path, onnx_of(&[1, 3, 0, 0], &[1, 2, 6], &two, None)).unwrap();
    let with = |key: &str, value: f64| configured(&json!({ "model": path, key: value }));
    let count = |threshold: f64| found(&*with("threshold", threshold), &models, &white()).unwrap().len();
    assert_eq!([0.1, 0.3, 0.8].map(count), [2, 1, 0]);
    assert!(with("threshold", 0.8).parameters().ends_with(" threshold 0.8"));
    // 32 of so many pixels of the input, in a picture that is 128 wide.
    for (size, expected) in [(320.0, 12.8), (640.0, 6.4), (960.0, 4.3)] {
        let width = found(&*with("size", size), &models, &white()).unwrap()[0].bounds.unwrap()[2];
        assert!((width - expected).abs() < 0.1, "{size}: {width}");
    }
    assert!(with("size", 320.0).parameters().ends_with(" size 320"));
    std::fs::write(&path, onnx(&[1, 2, 6], &two, None)).unwrap();
    let error = found(&*with("size", 320.0), &models, &white()).unwrap_err().to_string();
    assert!(error.starts_with("`size` is for a model that leaves the size of its input open"), "{error}");
}
