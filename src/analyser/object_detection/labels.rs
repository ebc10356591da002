//! Names of a model's classes: from the metadata that its makers put into the file, or from a list.

use std::collections::BTreeMap;

use anyhow::{Context as _, bail, ensure};

/// More classes than any detector has.
const CLASSES_MAX: usize = 100_000;

/// The names of a list, one a line; empty lines at the end count for nothing.
///
/// # Errors
/// When there are none, or a line between others is empty.
pub(super) fn lines(text: &str) -> anyhow::Result<Vec<String>> {
    let names: Vec<String> = text.trim_end().lines().map(|line| line.trim().to_owned()).collect();
    ensure!(!names.is_empty() && names.iter().all(|name| !name.is_empty()), "a list of labels has one name on every line");
    ensure!(names.len() <= CLASSES_MAX, "a list of labels has at most {CLASSES_MAX} names");
    Ok(names)
}

/// The names in the metadata key `names`, as Ultralytics writes it: a Python dictionary `{0: 'person', 1: "traffic light"}`, a list
/// `['person', 'bicycle']`, or either as JSON.
///
/// # Errors
/// When it is none of these, or a number is missing.
pub(super) fn of_metadata(text: &str) -> anyhow::Result<Vec<String>> {
    let mut reader = Reader { rest: text.trim() };
    let names = reader.names().with_context(|| {
        let begin: String = text.chars().take(60).collect();
        format!("the model's `names` are no dictionary or list of names: `{begin}`")
    })?;
    ensure!(reader.rest.trim().is_empty(), "the model's `names` go on after their end");
    Ok(names)
}

struct Reader<'a> {
    rest: &'a str,
}

impl Reader<'_> {
    fn names(&mut self) -> anyhow::Result<Vec<String>> {
        let keyed = if self.takes('{') {
            true
        } else if self.takes('[') {
            false
        } else {
            bail!("it begins with neither `{{` nor `[`");
        };
        let end = if keyed { '}' } else { ']' };
        let mut names: BTreeMap<usize, String> = BTreeMap::new();
        while !self.takes(end) {
            let key = if keyed { self.key()? } else { names.len() };
            ensure!(key < CLASSES_MAX, "class {key} is beyond {CLASSES_MAX}");
            ensure!(names.insert(key, self.text()?).is_none(), "class {key} has two names");
            ensure!(self.takes(',') || self.rest.starts_with(end), "a comma or `{end}` is missing");
            self.skip();
        }
        ensure!(names.keys().copied().eq(0..names.len()) && !names.is_empty(), "the classes are not 0, 1, 2 …");
        Ok(names.into_values().collect())
    }

    fn skip(&mut self) {
        self.rest = self.rest.trim_start();
    }

    fn takes(&mut self, wanted: char) -> bool {
        self.skip();
        let rest = self.rest.strip_prefix(wanted);
        self.rest = rest.unwrap_or(self.rest);
        self.skip();
        rest.is_some()
    }

    /// A number, in quotes (JSON) or not (Python), and the colon.
    fn key(&mut self) -> anyhow::Result<usize> {
        let digits = if self.rest.starts_with(['"', '\'']) {
            self.text()?
        } else {
            let end = self.rest.find(|letter: char| !letter.is_ascii_digit()).unwrap_or(self.rest.len());
            let (digits, rest) = self.rest.split_at(end);
            self.rest = rest;
            digits.to_owned()
        };
        ensure!(self.takes(':'), "a colon is missing after `{digits}`");
        digits.parse().with_context(|| format!("`{digits}` is no class number"))
    }

    /// A text in single or double quotes; a backslash takes the next character as it is.
    fn text(&mut self) -> anyhow::Result<String> {
        let mut letters = self.rest.char_indices();
        let quote = letters.next().map(|(_, letter)| letter).filter(|letter| matches!(letter, '"' | '\''));
        let quote = quote.context("a name has no quotes")?;
        let mut text = String::new();
        while let Some((at, letter)) = letters.next() {
            if letter == quote {
                self.rest = self.rest.get(at + 1..).unwrap_or_default();
                return Ok(text);
            }
            let letter = if letter == '\\' { letters.next().context("it ends within a name")?.1 } else { letter };
            text.push(letter);
        }
        bail!("a name does not end")
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn names_are_read_in_every_form() {
        let expected = ["person", "potter's wheel", "traffic light"];
        for text in [
            r#"{0: 'person', 1: "potter's wheel", 2: 'traffic light'}"#,
            r"{2: 'traffic light', 0: 'person', 1: 'potter\'s wheel',}",
            r#"{"0": "person", "1": "potter's wheel", "2": "traffic light"}"#,
            r#" [ "person" , "potter's wheel","traffic light" ] "#,
        ] {
            assert_eq!(of_metadata(text).unwrap(), expected, "{text}");
        }
        assert_eq!(lines("person\r\npotter's wheel\ntraffic light\n\n").unwrap(), expected);
    }

    #[test]
    fn what_is_no_list_of_names_is_an_error() {
        for text in
            ["", "person", "{", "{0: 'a'", "{0 'a'}", "{1: 'a'}", "{0: 'a', 0: 'b'}", "{0: a}", "['a' 'b']", "[]", "['a'] x"]
        {
            assert!(of_metadata(text).is_err(), "{text}");
        }
        assert!(lines("").is_err());
        assert!(lines("a\n\nb").is_err());
    }

    proptest! {
        #[test]
        fn any_text_is_read_or_refused(text in "[\\[{]?[0-9a-z'\":,\\\\ ]{0,40}[\\]}]?") {
            let _ = of_metadata(&text);
            let _ = lines(&text);
        }
    }
}
