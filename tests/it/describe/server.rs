//! A small server that speaks OpenAI's chat completions as far as weir uses them, and keeps what it was asked.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

/// A request, taken apart.
#[derive(Debug, Clone, Default)]
pub(crate) struct Asked {
    /// Request line and header.
    pub(crate) head: String,
    /// All of it.
    pub(crate) body: Value,
    /// Seconds that stand before each picture.
    pub(crate) times: Vec<f64>,
    /// Width and height of each picture, as decoded.
    pub(crate) sizes: Vec<(u32, u32)>,
    /// The words after the last picture.
    pub(crate) last: String,
}

/// What is sent back.
pub(crate) enum Answer {
    /// A completion with this content.
    Says(String),
    /// These bytes, then the end.
    Raw(Vec<u8>),
    /// Nothing, for so long.
    Nothing(Duration),
}

/// A running server; its thread ends with the test program.
pub(crate) struct Server {
    pub(crate) address: SocketAddr,
    asked: Arc<Mutex<Vec<Asked>>>,
}

impl Server {
    /// On a free port of loopback. `answer` gets the number of the request, from 0, and the request.
    pub(crate) fn start(answer: impl Fn(usize, &Asked) -> Answer + Send + 'static) -> Self {
        Self::start_at("127.0.0.1", answer)
    }

    /// On a free port of this address.
    pub(crate) fn start_at(ip: &str, answer: impl Fn(usize, &Asked) -> Answer + Send + 'static) -> Self {
        let listener = TcpListener::bind((ip, 0)).unwrap();
        let (address, asked) = (listener.local_addr().unwrap(), Arc::new(Mutex::new(Vec::new())));
        let kept = asked.clone();
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                serve(&mut stream.unwrap(), &kept, &answer);
            }
        });
        Self { address, asked }
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}/v1", self.address)
    }

    pub(crate) fn asked(&self) -> Vec<Asked> {
        self.asked.lock().unwrap().clone()
    }
}

fn serve(stream: &mut TcpStream, kept: &Mutex<Vec<Asked>>, answer: &impl Fn(usize, &Asked) -> Answer) {
    let asked = read(stream);
    let number = {
        let mut kept = kept.lock().unwrap();
        kept.push(asked.clone());
        kept.len() - 1
    };
    // Who was asked too slowly finds nobody who listens.
    let _sent = match answer(number, &asked) {
        Answer::Nothing(time) => {
            std::thread::sleep(time);
            Ok(())
        }
        Answer::Raw(bytes) => stream.write_all(&bytes),
        Answer::Says(text) => {
            let message = json!({ "role": "assistant", "content": text });
            let choices = json!([{ "index": 0, "message": message, "finish_reason": "stop" }]);
            let body = json!({ "id": "chatcmpl-1", "object": "chat.completion", "model": "m", "choices": choices, "usage": {} });
            stream.write_all(&http("200 OK", "content-type: application/json\r\n", body.to_string().as_bytes()))
        }
    };
}

/// A response.
pub(crate) fn http(status: &str, headers: &str, body: &[u8]) -> Vec<u8> {
    let head = format!("HTTP/1.1 {status}\r\n{headers}content-length: {}\r\nconnection: close\r\n\r\n", body.len());
    [head.as_bytes(), body].concat()
}

fn read(stream: &TcpStream) -> Asked {
    stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    let mut reader = BufReader::new(stream);
    let mut head = String::new();
    while !head.ends_with("\r\n\r\n") {
        assert!(reader.read_line(&mut head).unwrap() > 0, "the request broke off");
    }
    let length = head.lines().find_map(|line| line.to_ascii_lowercase().strip_prefix("content-length: ")?.parse().ok());
    let mut body = vec![0; length.unwrap()];
    reader.read_exact(&mut body).unwrap();
    let body: Value = serde_json::from_slice(&body).unwrap();
    let mut asked = Asked { head, ..Asked::default() };
    for part in body["messages"][1]["content"].as_array().unwrap() {
        match part["type"].as_str().unwrap() {
            "text" => asked.last = part["text"].as_str().unwrap().to_owned(),
            "image_url" => {
                let time = asked.last.rsplit(" at ").next().unwrap().trim_end_matches(" s:");
                asked.times.push(time.parse().unwrap());
                asked.sizes.push(size_of(part["image_url"]["url"].as_str().unwrap()));
            }
            other => panic!("a part of type `{other}`"),
        }
    }
    asked.body = body;
    asked
}

/// Decodes a picture: it must be a JPEG.
fn size_of(url: &str) -> (u32, u32) {
    let bytes = STANDARD.decode(url.strip_prefix("data:image/jpeg;base64,").unwrap()).unwrap();
    let picture = image::load_from_memory_with_format(&bytes, image::ImageFormat::Jpeg).unwrap();
    (picture.width(), picture.height())
}

/// An answer in the agreed form, derived from the request: how many frames, and an event at the time of the second one.
pub(crate) fn describes(asked: &Asked) -> Answer {
    let at_s = asked.times.get(1).or(asked.times.first()).copied().unwrap_or(0.0);
    let events = json!([{ "at_s": at_s, "text": "something moves" }]);
    Answer::Says(json!({ "summary": format!("{} frames", asked.sizes.len()), "events": events }).to_string())
}
