//! Numbers as results show them: with as many decimals as mean something.

/// `value` with so many decimals; 0 where it is no number.
pub(super) fn round(value: f32, decimals: i32) -> f64 {
    let scale = 10_f64.powi(decimals);
    let rounded = (f64::from(value) * scale).round() / scale;
    if rounded.is_finite() { rounded } else { 0.0 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rounded_number_is_short_in_json() {
        assert_eq!(serde_json::json!([round(38.94, 1), round(-0.127, 2), round(f32::NAN, 1)]).to_string(), "[38.9,-0.13,0.0]");
    }
}
