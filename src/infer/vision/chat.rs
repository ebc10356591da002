//! The form of a chat completion: what is sent, what of the answer is read.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::Deserialize;
use serde_json::{Value, json};

use super::{Part, Question, VisionError};

/// Tokens of an answer: a summary and some twenty events.
const TOKENS_MAX: u32 = 2000;
/// Characters of what an endpoint says of an error.
const WORDS_CHARS: usize = 160;

/// The body of a request. Temperature 0: the same question should be answered the same.
pub(super) fn request(model: &str, question: &Question<'_>) -> Value {
    let parts: Vec<Value> = question.parts.iter().map(part).collect();
    json!({
        "model": model,
        "messages": [
            { "role": "system", "content": question.instructions },
            { "role": "user", "content": parts },
        ],
        "response_format": {
            "type": "json_schema",
            "json_schema": { "name": "answer", "strict": true, "schema": question.schema },
        },
        "temperature": 0,
        "max_tokens": TOKENS_MAX,
        "stream": false,
    })
}

fn part(part: &Part<'_>) -> Value {
    match part {
        Part::Text(text) => json!({ "type": "text", "text": text }),
        Part::Jpeg(bytes) => {
            let url = format!("data:image/jpeg;base64,{}", STANDARD.encode(bytes));
            json!({ "type": "image_url", "image_url": { "url": url } })
        }
    }
}

/// What is read of an answer; servers add much of their own.
#[derive(Deserialize)]
struct Completion {
    choices: Vec<Choice>,
}

#[derive(Deserialize)]
struct Choice {
    message: Message,
    finish_reason: Option<String>,
}

#[derive(Deserialize)]
struct Message {
    content: Option<String>,
}

/// What the model wrote.
pub(super) fn text_of(body: &[u8]) -> Result<String, VisionError> {
    let form = |words: String| Err(VisionError::Form(words));
    let completion: Completion = match serde_json::from_slice(body) {
        Ok(completion) => completion,
        Err(error) => return form(format!("no chat completion: {error}")),
    };
    let Some(choice) = completion.choices.into_iter().next() else { return form("it has no `choices`".to_owned()) };
    if choice.finish_reason.as_deref() == Some("length") {
        return form(format!("the model wrote more than {TOKENS_MAX} tokens"));
    }
    match choice.message.content {
        Some(text) if !text.trim().is_empty() => Ok(text),
        _ => form("the message has no `content`".to_owned()),
    }
}

/// The begin of what an endpoint says of an error, on one line. `secret` is taken out: some servers repeat the key that they refuse.
pub(super) fn words_of(body: &[u8], secret: Option<&str>) -> String {
    let value: Value = serde_json::from_slice(body).unwrap_or_default();
    let message = [&value["error"]["message"], &value["error"], &value["message"]].into_iter().find_map(Value::as_str);
    let text = message.map_or_else(|| String::from_utf8_lossy(body).into_owned(), str::to_owned);
    let text = match secret {
        Some(secret) if !secret.is_empty() => text.replace(secret, "****"),
        _ => text,
    };
    let words: Vec<&str> = text.split(|c: char| c.is_whitespace() || c.is_control()).filter(|word| !word.is_empty()).collect();
    words.join(" ").chars().take(WORDS_CHARS).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_has_words_and_pictures_in_order() {
        let parts = [Part::Text("at 1 s:"), Part::Jpeg(&[0xff, 0xd8])];
        let schema = json!({ "type": "object" });
        let body = request("qwen2-vl", &Question { instructions: "look", parts: &parts, schema: &schema });
        assert_eq!(body["messages"][0], json!({ "role": "system", "content": "look" }));
        assert_eq!(body["messages"][1]["content"][0]["text"], "at 1 s:");
        assert_eq!(body["messages"][1]["content"][1]["image_url"]["url"], "data:image/jpeg;base64,/9g=");
        assert_eq!(body["response_format"]["json_schema"]["schema"], schema);
        assert_eq!((&body["model"], &body["stream"]), (&json!("qwen2-vl"), &json!(false)));
    }

    #[test]
    fn the_first_choice_is_read_and_all_else_is_said() {
        let body = br#"{"id":"x","choices":[{"index":0,"message":{"role":"assistant","content":"{}","extra":1},"finish_reason":"stop"}]}"#;
        assert_eq!(text_of(body).unwrap(), "{}");
        for (body, words) in [
            (&b"<html>"[..], "no chat completion"),
            (br#"{"choices":[]}"#, "no `choices`"),
            (br#"{"choices":[{"message":{"content":null}}]}"#, "no `content`"),
            (br#"{"choices":[{"message":{"content":" "}}]}"#, "no `content`"),
            (br#"{"choices":[{"message":{"content":"{"},"finish_reason":"length"}]}"#, "tokens"),
        ] {
            let error = text_of(body).unwrap_err();
            assert!(error.to_string().contains(words) && !error.is_final(), "{error}");
        }
    }

    #[test]
    fn words_of_an_error_are_short_and_without_the_key() {
        assert_eq!(words_of(br#"{"error":{"message":"wrong key sk-1\nsecond"}}"#, Some("sk-1")), "wrong key **** second");
        assert_eq!(words_of(br#"{"error":"model not found"}"#, None), "model not found");
        assert_eq!(words_of(b"Bad\x07 Gateway", Some("")), "Bad Gateway");
        assert_eq!(words_of(&[b'x'; 5000], None).len(), WORDS_CHARS);
    }
}
