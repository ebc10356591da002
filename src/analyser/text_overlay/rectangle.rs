//! Rectangles at any angle: the smallest one around points, and one that is grown.

/// A point, `[x, y]`.
pub(super) type Point = [f32; 2];

/// A rectangle at any angle.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Rectangle {
    /// Its middle.
    pub(super) centre: Point,
    /// Unit vector along its width. Its height lies along the vector a quarter turn clockwise as shown (y points down).
    pub(super) along: Point,
    /// Width and height.
    pub(super) size: [f32; 2],
}

impl Rectangle {
    /// The smallest rectangle around `points`, its width turned by at most an eighth of a circle from the horizontal. None for no points.
    pub(super) fn around(points: &[Point]) -> Option<Self> {
        let hull = hull(points.to_vec());
        if hull.is_empty() {
            return None;
        }
        // One point has no edge: its rectangle is level.
        let mut best = extent(&hull, [1.0, 0.0]);
        if hull.len() > 1 {
            let next = hull.iter().cycle().skip(1);
            let edges = hull.iter().zip(next).filter_map(|(from, to)| unit([to[0] - from[0], to[1] - from[1]]));
            best = edges.map(|along| extent(&hull, along)).min_by(|a, b| a.area().total_cmp(&b.area()))?;
        }
        Some(best.level())
    }

    /// Corners in reading order: top left, top right, bottom right, bottom left.
    pub(super) fn corners(&self) -> [Point; 4] {
        let [width, height] = self.size;
        [[-0.5, -0.5], [0.5, -0.5], [0.5, 0.5], [-0.5, 0.5]].map(|[right, down]| self.at(right * width, down * height))
    }

    /// The shorter side.
    pub(super) fn short_side(&self) -> f32 {
        self.size[0].min(self.size[1])
    }

    /// Whether a point lies in it, or at most `margin` outside.
    pub(super) fn holds(&self, point: Point, margin: f32) -> bool {
        let away = [point[0] - self.centre[0], point[1] - self.centre[1]];
        dot(away, self.along).abs() <= self.size[0] / 2.0 + margin
            && dot(away, down(self.along)).abs() <= self.size[1] / 2.0 + margin
    }

    /// Grown by `distance` on every side.
    pub(super) fn grown(self, distance: f32) -> Self {
        Self { size: self.size.map(|side| side + 2.0 * distance), ..self }
    }

    fn area(&self) -> f32 {
        self.size[0] * self.size[1]
    }

    fn at(&self, right: f32, downwards: f32) -> Point {
        let [x, y] = self.along;
        [self.centre[0] + right * x - downwards * y, self.centre[1] + right * y + downwards * x]
    }

    /// The same rectangle with its width as near to the horizontal, left to right, as can be.
    fn level(self) -> Self {
        let [x, y] = self.along;
        if x.abs() >= y.abs() {
            return Self { along: if x < 0.0 { [-x, -y] } else { self.along }, ..self };
        }
        let along = if y < 0.0 { [-y, x] } else { [y, -x] };
        Self { along, size: [self.size[1], self.size[0]], ..self }
    }
}

/// The rectangle around `hull` whose width lies along `along`.
fn extent(hull: &[Point], along: Point) -> Rectangle {
    let range = |axis: Point| {
        let places = hull.iter().map(|point| dot(*point, axis));
        places.fold((f32::INFINITY, f32::NEG_INFINITY), |(low, high), at| (low.min(at), high.max(at)))
    };
    let (across, downwards) = (range(along), range(down(along)));
    let (right, lower) = (f32::midpoint(across.0, across.1), f32::midpoint(downwards.0, downwards.1));
    let [x, y] = along;
    Rectangle {
        centre: [right * x - lower * y, right * y + lower * x],
        along,
        size: [across.1 - across.0, downwards.1 - downwards.0],
    }
}

/// The corners of the convex hull, in turn (Andrew's monotone chain).
fn hull(mut points: Vec<Point>) -> Vec<Point> {
    points.sort_by(|a, b| a[0].total_cmp(&b[0]).then(a[1].total_cmp(&b[1])));
    points.dedup();
    if points.len() < 3 {
        return points;
    }
    let mut hull = half(points.iter());
    hull.pop();
    hull.extend(half(points.iter().rev()));
    hull.pop();
    hull
}

fn half<'a>(points: impl Iterator<Item = &'a Point>) -> Vec<Point> {
    let mut chain: Vec<Point> = Vec::new();
    for &point in points {
        while let [.., before, last] = chain.as_slice()
            && cross(*before, *last, point) <= 0.0
        {
            chain.pop();
        }
        chain.push(point);
    }
    chain
}

fn cross(origin: Point, one: Point, other: Point) -> f32 {
    (one[0] - origin[0]) * (other[1] - origin[1]) - (one[1] - origin[1]) * (other[0] - origin[0])
}

fn dot(one: Point, other: Point) -> f32 {
    one[0] * other[0] + one[1] * other[1]
}

/// A quarter turn clockwise as shown.
fn down(along: Point) -> Point {
    [-along[1], along[0]]
}

fn unit(vector: Point) -> Option<Point> {
    let length = vector[0].hypot(vector[1]);
    (length > 0.0).then(|| [vector[0] / length, vector[1] / length])
}

#[cfg(test)]
#[expect(clippy::float_cmp, reason = "the expected values are exact")]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn near(one: [f32; 2], other: [f32; 2]) -> bool {
        (one[0] - other[0]).abs() < 0.01 && (one[1] - other[1]).abs() < 0.01
    }

    #[test]
    fn around_a_level_box() {
        let rectangle = Rectangle::around(&[[0.0, 0.0], [10.0, 0.0], [10.0, 4.0], [0.0, 4.0], [5.0, 2.0]]).unwrap();
        assert!(near(rectangle.centre, [5.0, 2.0]) && near(rectangle.size, [10.0, 4.0]) && near(rectangle.along, [1.0, 0.0]));
        assert!(near(rectangle.corners()[0], [0.0, 0.0]) && near(rectangle.corners()[2], [10.0, 4.0]));
        assert!(near(rectangle.grown(1.0).corners()[3], [-1.0, 5.0]));
    }

    #[test]
    fn around_a_turned_box() {
        let turned = Rectangle { centre: [50.0, 60.0], along: [0.8, 0.6], size: [40.0, 10.0] };
        let found = Rectangle::around(&turned.corners()).unwrap();
        assert!(near(found.along, [0.8, 0.6]) && near(found.size, [40.0, 10.0]) && near(found.centre, [50.0, 60.0]), "{found:?}");
        assert!(found.holds([50.0, 60.0], 0.0) && !found.holds([50.0, 75.0], 0.0));
    }

    #[test]
    fn few_points_have_a_flat_rectangle() {
        assert_eq!(Rectangle::around(&[]), None);
        assert_eq!(Rectangle::around(&[[3.0, 4.0]; 5]).unwrap().short_side(), 0.0);
        let line = Rectangle::around(&[[0.0, 0.0], [3.0, 0.0], [9.0, 0.0]]).unwrap();
        assert!(near(line.size, [9.0, 0.0]));
    }

    proptest! {
        #[test]
        fn holds_all_its_points(points in prop::collection::vec(prop::array::uniform2(0_u16..800), 1..60)) {
            let points: Vec<Point> = points.iter().map(|point| point.map(f32::from)).collect();
            let rectangle = Rectangle::around(&points).unwrap();
            prop_assert!(points.iter().all(|point| rectangle.holds(*point, 0.1)), "{:?}", rectangle);
            prop_assert!(rectangle.along[0] >= rectangle.along[1].abs() - 1e-6);
        }
    }
}
