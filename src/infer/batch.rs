//! Several items in one run of a model: how many pay, and taking what comes out apart.

use std::time::{Duration, Instant};

use super::measure::memory;
use super::tensor::Data;
use super::{ModelError, Outputs, Session, Tensor};

/// A larger batch must make an item so much cheaper, or the smaller one stays: it needs less memory and answers sooner.
const WORTH: f64 = 0.9;

/// How large batches may become.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct BatchLimits {
    /// Items.
    pub(super) most: usize,
    /// Memory that the process may take. A batch that brings its peak over half of it is not used.
    pub(super) memory_bytes: u64,
}

impl Session {
    /// Runs the model once over all of `items`, inputs called `input`, each with a first side of 1; answers the outputs of each. A model
    /// that takes one item at a time is run for each.
    ///
    /// # Errors
    /// As for [`Session::run`]; and when an output does not have an entry for every item.
    pub fn run_all(&self, input: &str, items: &[Tensor]) -> Result<Vec<Outputs>, ModelError> {
        if items.len() < 2 || !self.takes_many() {
            return items.iter().map(|item| self.run(&[(input, item)])).collect();
        }
        let stacked = stack(items).map_err(|reason| self.failed(&format!("input `{input}`: {reason}")))?;
        let outputs = self.run(&[(input, &stacked)])?;
        split(&outputs, items.len()).ok_or_else(|| self.failed("an output has no entry for every item of a batch"))
    }

    /// Items per run at which one costs least: found by a short calibration at the first call, which also warms the model at the
    /// sizes it tries. 1 for a model that takes one at a time, or whose other sides are open.
    pub fn best_batch(&self) -> usize {
        *self.batch.get_or_init(|| self.calibrate().unwrap_or(1))
    }

    fn calibrate(&self) -> Option<usize> {
        let (mut best, mut cost) = (1, self.cost(1)?);
        while self.takes_many() && best * 2 <= self.limits.most {
            let next = self.cost(best * 2)?;
            let within = memory("VmHWM:") <= self.limits.memory_bytes / 2;
            if next.as_secs_f64() > cost.as_secs_f64() * WORTH || !within {
                break;
            }
            (best, cost) = (best * 2, next);
        }
        tracing::debug!(model = self.name(), batch = best, ms = cost.as_secs_f64() * 1000.0, "calibrated");
        Some(best)
    }

    /// What an item of a blank batch costs, the better of two runs. None when the model does not say how large its input is.
    pub fn cost(&self, batch: usize) -> Option<Duration> {
        let inputs = self.blank(batch)?;
        let inputs: Vec<(&str, &Tensor)> = inputs.iter().map(|(name, tensor)| (name.as_str(), tensor)).collect();
        let mut times = Vec::with_capacity(2);
        for _ in 0..2 {
            let began = Instant::now();
            // What a model makes of nothing may be no number; only the time counts.
            let _outputs = self.run(&inputs);
            times.push(began.elapsed());
        }
        times.into_iter().min().map(|time| time / u32::try_from(batch).unwrap_or(1).max(1))
    }

    /// Whether the first side of every input is open.
    pub(super) fn takes_many(&self) -> bool {
        let inputs = self.inputs();
        !inputs.is_empty() && inputs.iter().all(|(_, shape)| shape.first() == Some(&-1))
    }
}

/// One tensor of items that each have a first side of 1 and are alike.
fn stack(items: &[Tensor]) -> Result<Tensor, String> {
    let first = items.first().ok_or("nothing to run")?;
    let (Some(1), Some(inner)) = (first.shape().first(), first.shape().get(1..)) else {
        return Err(format!("{first} is no single item"));
    };
    if let Some(odd) = items.iter().find(|item| item.shape() != first.shape()) {
        return Err(format!("{odd} beside {first}"));
    }
    let shape = [&[items.len()], inner].concat();
    let stacked = match first.data() {
        Data::F32(_) => Tensor::f32(&shape, joined(items, |data| if let Data::F32(values) = data { Some(values) } else { None })),
        Data::I64(_) => Tensor::i64(&shape, joined(items, |data| if let Data::I64(values) = data { Some(values) } else { None })),
        Data::I32(_) => Tensor::i32(&shape, joined(items, |data| if let Data::I32(values) = data { Some(values) } else { None })),
    };
    stacked.map_err(|error| error.to_string())
}

fn joined<T: Copy>(items: &[Tensor], values: impl Fn(&Data) -> Option<&Vec<T>>) -> Vec<T> {
    items.iter().filter_map(|item| values(item.data())).flatten().copied().collect()
}

/// The outputs of each of `count` items.
fn split(outputs: &Outputs, count: usize) -> Option<Vec<Outputs>> {
    (0..count).map(|at| outputs.each(|tensor| part(tensor, at, count))).collect()
}

fn part(tensor: &Tensor, at: usize, count: usize) -> Option<Tensor> {
    let (first, inner) = tensor.shape().split_first()?;
    if *first != count {
        return None;
    }
    let (shape, length) = ([&[1], inner].concat(), inner.iter().product::<usize>());
    let range = at * length..(at + 1) * length;
    match tensor.data() {
        Data::F32(values) => Tensor::f32(&shape, values.get(range)?.to_vec()),
        Data::I64(values) => Tensor::i64(&shape, values.get(range)?.to_vec()),
        Data::I32(values) => Tensor::i32(&shape, values.get(range)?.to_vec()),
    }
    .ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn items_are_stacked_and_taken_apart() {
        let item = |from: f32| Tensor::f32(&[1, 2], vec![from, from + 1.0]).unwrap();
        let stacked = stack(&[item(1.0), item(5.0), item(9.0)]).unwrap();
        assert_eq!(stacked, Tensor::f32(&[3, 2], vec![1.0, 2.0, 5.0, 6.0, 9.0, 10.0]).unwrap());
        assert_eq!((part(&stacked, 1, 3), part(&stacked, 1, 2)), (Some(item(5.0)), None));
        let words = [Tensor::i64(&[1, 1], vec![4]).unwrap(), Tensor::i64(&[1, 1], vec![7]).unwrap()];
        assert_eq!(stack(&words).unwrap(), Tensor::i64(&[2, 1], vec![4, 7]).unwrap());
    }

    #[test]
    fn what_does_not_fit_together_is_refused() {
        let item = |shape: &[usize]| Tensor::zeros(shape);
        assert!(stack(&[]).is_err());
        assert!(stack(&[item(&[2, 2]), item(&[2, 2])]).is_err(), "two items already");
        assert!(stack(&[item(&[1, 2]), item(&[1, 3])]).unwrap_err().contains("f32[1, 3] beside f32[1, 2]"));
        let mixed = [item(&[1, 2]), Tensor::i64(&[1, 2], vec![0, 0]).unwrap()];
        assert!(stack(&mixed).is_err(), "of two types");
    }
}
