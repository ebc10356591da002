use proptest::prelude::*;

use super::*;

/// Cells of a 64 × 32 input: 8 × 4, 4 × 2, 2 × 1.
const INPUT: (u32, u32) = (64, 32);
const CELLS: usize = 42;

fn decoded(shape: &[usize], values: Vec<f32>) -> anyhow::Result<Vec<Object>> {
    let tensor = Tensor::f32(shape, values)?;
    Layout::of(tensor.shape(), INPUT)?.decode(&tensor)
}

/// An output of zeros in which one row is `row`.
fn row_at(shape: [usize; 3], at: usize, row: &[f32]) -> Vec<f32> {
    let mut values = vec![0.0; shape.iter().product()];
    values[at * shape[2]..][..row.len()].copy_from_slice(row);
    values
}

#[test]
fn heads_are_told_apart_by_shape() {
    for (shape, input, head, classes) in [
        ([1, 25200, 85], (640, 640), Head::Anchors, Some(80)),
        ([1, 84, 8400], (640, 640), Head::Plain, Some(80)),
        ([1, 5, 8400], (640, 640), Head::Plain, Some(1)),
        ([1, 8400, 85], (640, 640), Head::Grid, Some(80)),
        ([1, 3549, 85], (416, 416), Head::Grid, Some(80)),
        ([1, 102_000, 85], (1280, 1280), Head::Anchors, Some(80)),
        ([1, 300, 6], (640, 640), Head::Ended, None),
        ([1, 6, 42], INPUT, Head::Plain, Some(2)),
        ([1, 42, 6], INPUT, Head::Grid, Some(1)),
    ] {
        let layout = Layout::of(&shape, input).unwrap();
        assert_eq!((layout.head, layout.classes), (head, classes), "{shape:?}");
    }
    for shape in [&[1_usize, 8400, 4][..], &[2, 84, 8400], &[84, 8400], &[1, 4, 8400], &[1, 8401, 85], &[1, 2000, 6], &[]] {
        assert!(Layout::of(shape, (640, 640)).is_err(), "{shape:?}");
    }
    assert!(Layout::of(&[1, 0, 6], (4, 4)).is_err(), "no cell at all");
}

#[test]
fn anchors_weigh_the_class_with_the_objectness() {
    let shape = [1, 3 * CELLS, 7];
    let objects = decoded(&shape, row_at(shape, 50, &[20.0, 10.0, 8.0, 4.0, 0.5, 0.1, 0.9])).unwrap();
    assert_eq!(objects, [Object { class: 1, score: 0.45, corners: [16.0, 8.0, 24.0, 12.0] }]);
}

#[test]
fn the_plain_head_lies_on_its_side() {
    let mut values = vec![0.0; 6 * CELLS];
    for (row, value) in [20.0, 10.0, 8.0, 4.0, 0.2, 0.75].into_iter().enumerate() {
        values[row * CELLS + 17] = value;
    }
    let objects = decoded(&[1, 6, CELLS], values).unwrap();
    assert_eq!(objects, [Object { class: 1, score: 0.75, corners: [16.0, 8.0, 24.0, 12.0] }]);
}

#[test]
fn the_grid_head_is_relative_to_its_cell() {
    let shape = [1, CELLS, 6];
    // Cell 32 + 5 is of stride 16, column 1, row 1: its corner is 16, 16.
    let objects = decoded(&shape, row_at(shape, 37, &[0.5, 0.25, 0.0, 2.0_f32.ln(), 0.8, 1.0])).unwrap();
    assert_eq!(objects.len(), 1);
    for (found, expected) in objects[0].corners.iter().zip([16.0, 4.0, 32.0, 36.0]) {
        assert!((found - expected).abs() < 1e-4, "{objects:?}");
    }
}

#[test]
fn the_end_to_end_head_is_taken_as_it_is() {
    let values = [[1.0, 2.0, 30.0, 20.0, 0.9, 3.0], [1.0, 2.0, 30.0, 20.0, 0.8, 3.0], [0.0; 6]].concat();
    let objects = decoded(&[1, 3, 6], values).unwrap();
    assert_eq!(objects.iter().map(|object| (object.class, object.score)).collect::<Vec<_>>(), [(3, 0.9), (3, 0.8)]);
    assert!(decoded(&[1, 1, 6], vec![0.0, 0.0, 1.0, 1.0, 0.9, -1.0]).is_err());
}

#[test]
fn what_is_no_probability_or_no_box_is_an_error() {
    for bad in [f32::NAN, f32::INFINITY, -2.0, 12.0] {
        for at in [4, 5] {
            let mut row = [20.0, 10.0, 8.0, 4.0, 0.9, 0.9];
            row[at] = bad;
            assert!(decoded(&[1, CELLS, 6], row_at([1, CELLS, 6], 3, &row)).is_err(), "{bad}");
        }
    }
    for bad in [f32::NAN, f32::INFINITY] {
        let row = [20.0, 10.0, bad, 4.0, 0.9, 0.9];
        assert!(decoded(&[1, CELLS, 6], row_at([1, CELLS, 6], 3, &row)).is_err(), "{bad}");
    }
    let layout = Layout::of(&[1, CELLS, 6], INPUT).unwrap();
    assert!(layout.decode(&Tensor::zeros(&[1, CELLS, 7])).is_err(), "another shape than it said");
    assert!(layout.decode(&Tensor::i64(&[1, CELLS, 6], vec![0; CELLS * 6]).unwrap()).is_err());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn any_numbers_give_objects_or_an_error(head in 0_usize..4, numbers in prop::collection::vec(any::<f32>(), 1..200), tame in any::<bool>()) {
        let shape = [[1, 3 * CELLS, 7], [1, 7, CELLS], [1, CELLS, 7], [1, 30, 6]][head];
        let tamed = numbers.iter().map(|number| if tame { (number % 1.0).abs() } else { *number });
        let values = tamed.cycle().take(shape.iter().product()).collect();
        if let Ok(objects) = decoded(&shape, values) {
            prop_assert!(objects.len() <= super::super::object::OBJECTS_MAX);
            prop_assert!(objects.iter().all(|object| object.corners.iter().all(|side| side.is_finite())));
            prop_assert!(objects.iter().all(|object| object.score >= THRESHOLD_LEAST && object.score <= 1.0));
        }
    }

    #[test]
    fn any_shape_is_known_or_refused(shape in prop::collection::vec(0_usize..200, 0..5), width in 0_u32..200, height in 0_u32..200) {
        if let Ok(layout) = Layout::of(&shape, (width, height)) {
            prop_assert!(layout.decode(&Tensor::zeros(&shape)).is_ok());
        }
    }
}
