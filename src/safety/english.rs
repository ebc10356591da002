//! Probability that an English text is profane: the linear model of the package alt-profanity-check, as scikit-learn computes it.

use std::collections::HashMap;

use serde::Deserialize;
use unicode_normalization::char::is_combining_mark;

/// The only tokeniser that [`tokens`] reproduces: scikit-learn's default.
const TOKEN_PATTERN: &str = r"(?u)\b\w\w+\b";

/// TF-IDF over single words and the mean of calibrated linear support vector machines.
#[derive(Debug)]
pub(super) struct EnglishModel {
    vocabulary: HashMap<String, usize>,
    idf: Vec<f64>,
    classifiers: Vec<Classifier>,
}

#[derive(Debug, Deserialize)]
struct Exported {
    token_pattern: String,
    vocabulary: Vec<String>,
    idf: Vec<f64>,
    classifiers: Vec<Classifier>,
}

#[derive(Debug, Deserialize)]
struct Classifier {
    weights: Vec<f64>,
    intercept: f64,
    a: f64,
    b: f64,
}

impl EnglishModel {
    /// Reads the exported model (`weir.linear_text.v1`).
    ///
    /// # Errors
    /// In words, when the JSON is not such a model.
    pub(super) fn parse(json: &[u8]) -> Result<Self, String> {
        let exported: Exported = serde_json::from_slice(json).map_err(|error| error.to_string())?;
        if exported.token_pattern != TOKEN_PATTERN {
            return Err(format!("its token pattern is `{}`; only `{TOKEN_PATTERN}` is known", exported.token_pattern));
        }
        let size = exported.vocabulary.len();
        let fits = exported.idf.len() == size && exported.classifiers.iter().all(|classifier| classifier.weights.len() == size);
        if !fits || exported.classifiers.is_empty() {
            return Err("vocabulary, idf and weights differ in length, or there is no classifier".to_owned());
        }
        let vocabulary = exported.vocabulary.into_iter().enumerate().map(|(index, word)| (word, index)).collect();
        Ok(Self { vocabulary, idf: exported.idf, classifiers: exported.classifiers })
    }

    /// Whether the model was trained on this word (lower case).
    pub(super) fn knows(&self, word: &str) -> bool {
        self.vocabulary.contains_key(word)
    }

    /// The probability; none when the model knows no word of the text: its constant answer then says nothing.
    pub(super) fn score(&self, text: &str) -> Option<f64> {
        let lower = text.to_lowercase();
        let mut weights: HashMap<usize, f64> = HashMap::new();
        for index in tokens(&lower).filter_map(|token| self.vocabulary.get(token)) {
            *weights.entry(*index).or_default() += self.idf[*index];
        }
        if weights.is_empty() {
            return None;
        }
        let length = weights.values().map(|weight| weight * weight).sum::<f64>().sqrt();
        let probability = |classifier: &Classifier| {
            let product: f64 = weights.iter().map(|(index, weight)| classifier.weights[*index] * weight / length).sum();
            1.0 / (1.0 + (classifier.a * (product + classifier.intercept) + classifier.b).exp())
        };
        Some(self.classifiers.iter().map(probability).sum::<f64>() / self.classifiers.len() as f64)
    }
}

/// Runs of two or more word characters, as Python's `\w` has them: letters, digits, underscore, no combining marks.
fn tokens(lower: &str) -> impl Iterator<Item = &str> {
    let is_word = |c: char| c == '_' || (c.is_alphanumeric() && !is_combining_mark(c));
    lower.split(move |c| !is_word(c)).filter(|token| token.chars().nth(1).is_some())
}

#[cfg(test)]
mod tests {
    use super::*;

    const SMALL: &str = r#"{"token_pattern":"(?u)\\b\\w\\w+\\b","vocabulary":["good","bad"],"idf":[1.0,2.0],
        "classifiers":[{"weights":[-1.0,3.0],"intercept":-0.5,"a":-2.0,"b":0.25}]}"#;

    #[test]
    fn computes_what_the_formula_says() {
        let model = EnglishModel::parse(SMALL.as_bytes()).unwrap();
        // x = (1 × 1, 2 × 2) / √17; f = (−1 + 3 × 4) / √17 − 0.5; p = 1 / (1 + exp(−2 f + 0.25)).
        let f = 11.0 / 17_f64.sqrt() - 0.5;
        let expected = 1.0 / (1.0 + (-2.0 * f + 0.25).exp());
        assert!((model.score("Bad, GOOD; bad!").unwrap() - expected).abs() < 1e-12);
        assert_eq!(model.score("a b 好 bad_good"), None);
    }

    #[test]
    fn refuses_another_form() {
        assert!(EnglishModel::parse(b"{}").is_err());
        assert!(EnglishModel::parse(SMALL.replace("[1.0,2.0]", "[1.0]").as_bytes()).unwrap_err().contains("differ"));
        assert!(EnglishModel::parse(SMALL.replace("w+", "w*").as_bytes()).unwrap_err().contains("token pattern"));
    }

    #[test]
    fn tokens_are_those_of_scikit_learn() {
        assert_eq!(tokens("it's a_b 12 é x. naïve").collect::<Vec<_>>(), ["it", "a_b", "12", "naïve"]);
    }
}
