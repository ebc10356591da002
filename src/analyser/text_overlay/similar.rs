//! Whether two readings are of the same text.

/// How alike two readings of one text are at least: the share of characters that need no edit.
const LIKENESS_MIN: f32 = 0.8;
/// Characters that are compared.
const LENGTH_MAX: usize = 200;

/// Whether two texts are equal or nearly so, case, spaces and punctuation aside.
pub(super) fn similar(one: &str, other: &str) -> bool {
    if one == other {
        return true;
    }
    let (one, other) = (normalised(one), normalised(other));
    let longest = one.len().max(other.len());
    longest > 0 && edits(&one, &other) as f32 <= (1.0 - LIKENESS_MIN) * longest as f32
}

fn normalised(text: &str) -> Vec<char> {
    text.chars().filter(|letter| letter.is_alphanumeric()).flat_map(char::to_lowercase).take(LENGTH_MAX).collect()
}

/// Levenshtein distance.
fn edits(one: &[char], other: &[char]) -> usize {
    let mut row: Vec<usize> = (0..=other.len()).collect();
    for (at, letter) in one.iter().enumerate() {
        let mut diagonal = at;
        let mut left = at + 1;
        for (cell, against) in row.iter_mut().skip(1).zip(other) {
            let here = (diagonal + usize::from(letter != against)).min(left + 1).min(*cell + 1);
            diagonal = std::mem::replace(cell, here);
            left = here;
        }
        if let Some(first) = row.first_mut() {
            *first = at + 1;
        }
    }
    row.last().copied().unwrap_or(one.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn distance(one: &str, other: &str) -> usize {
        edits(&one.chars().collect::<Vec<_>>(), &other.chars().collect::<Vec<_>>())
    }

    #[test]
    fn distance_counts_edits() {
        for (one, other, expected) in
            [("", "", 0), ("", "abc", 3), ("abc", "", 3), ("kitten", "sitting", 3), ("flaw", "lawn", 2), ("a", "a", 0)]
        {
            assert_eq!(distance(one, other), expected, "{one} {other}");
            assert_eq!(distance(other, one), expected, "{other} {one}");
        }
    }

    #[test]
    fn misread_letters_and_punctuation_do_not_part_a_text() {
        assert!(similar("WAIT FOR IT...", "Wait for it"));
        assert!(similar("Hôm nay trài đp quá", "Hôm nay tri đp quá"));
        assert!(similar("...", "..."));
        assert!(!similar("...", "!!!"));
        assert!(!similar("Episode 1", "Chapter 2"));
        assert!(!similar("", "a"));
    }
}
