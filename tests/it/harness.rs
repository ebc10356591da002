//! The HTTP side on a free port, with SQLite and files in a temporary folder.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, OnceLock};

use metrics_exporter_prometheus::PrometheusHandle;
use reqwest::{Client, Method, RequestBuilder, Response, StatusCode};
use serde_json::Value;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use weir::blob::{BlobUrl, Blobs};
use weir::model::{Account, Fact, Guard, Key, MediaInfo, Micros, Rendition, Role, VideoId, VideoTrack};
use weir::serve::{App, Clock, Limits, ServeConfig, api_keys, listen, password, router};
use weir::source::Random;
use weir::source::announce::Announcer;
use weir::store::SharedStore;

/// The password of every account here.
pub(crate) const PASSWORD: &str = "correct horse";

/// A running server.
pub(crate) struct TestApp {
    /// `http://127.0.0.1:PORT`.
    pub(crate) url: String,
    /// Its store.
    pub(crate) store: SharedStore,
    /// Its blobs.
    pub(crate) blobs: Blobs,
    /// Its folder.
    pub(crate) folder: tempfile::TempDir,
    /// Without cookies, without redirects.
    pub(crate) client: Client,
    app: App,
    keys: BTreeMap<&'static str, String>,
    ahead_ms: Arc<AtomicI64>,
    stop: CancellationToken,
}

impl TestApp {
    /// With the defaults.
    pub(crate) async fn start() -> Self {
        Self::start_with(|_| {}, Limits::default()).await
    }

    /// With other settings.
    pub(crate) async fn start_with(set: impl FnOnce(&mut ServeConfig), limits: Limits) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let store =
            weir::store::open(&format!("sqlite:{}", folder.path().join("weir.db").display()).parse().unwrap()).await.unwrap();
        let blobs = Blobs::open(&BlobUrl::File(folder.path().join("blobs"))).unwrap();
        let broker = weir::broker::open(&weir::broker::BrokerUrl::Embedded(folder.path().join("broker"))).unwrap();
        let ahead_ms = Arc::new(AtomicI64::new(0));
        let clock = {
            let ahead_ms = Arc::clone(&ahead_ms);
            Clock::new(move || Clock::wall().now().plus_ms(ahead_ms.load(Ordering::SeqCst)))
        };
        let mut config = ServeConfig::default();
        config.upload.reserve_bytes = 1 << 20;
        set(&mut config);
        let stop = CancellationToken::new();
        let app = App {
            store: Arc::clone(&store),
            blobs: blobs.clone(),
            config,
            secret: [7; 32],
            clock,
            random: Random::strong(),
            announcer: Some(Announcer::new(broker)),
            probes: vec![],
            analyser_limits: BTreeMap::from([("cut_analysis".to_owned(), "hard cuts and fades only".to_owned())]),
            models: Arc::new(NoModels),
            metrics: Some(metrics()),
            stop: stop.clone(),
        };
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        tokio::spawn(listen(listener, router(app.clone()), limits, stop.clone()));
        let client = Client::builder().redirect(reqwest::redirect::Policy::none()).build().unwrap();
        let mut started = Self { url, store, blobs, folder, client, app, keys: BTreeMap::new(), ahead_ms, stop };
        started.add_access().await;
        started
    }

    /// An account and a key of each role, both named by it.
    async fn add_access(&mut self) {
        let random = Random::strong();
        let password_hash = password::hash_password(PASSWORD, &random).unwrap();
        let now = self.store.now().await.unwrap();
        for &role in Role::ALL {
            let name = role.as_str().to_owned();
            let account = Account { id: random.account(), name, role, password_hash: password_hash.clone(), created_at: now };
            assert!(self.store.add_account(&account).await.unwrap());
            let (key, secret) = api_keys::make(role.as_str(), role, "default", &random, now);
            self.store.add_api_key(&key).await.unwrap();
            self.keys.insert(role.as_str(), secret);
        }
    }

    /// The same installation on another port, with other settings.
    pub(crate) async fn beside(&self, set: impl FnOnce(&mut ServeConfig)) -> String {
        let mut app = self.app.clone();
        set(&mut app.config);
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        tokio::spawn(listen(listener, router(app), Limits::default(), self.stop.clone()));
        url
    }

    /// What the server was given.
    pub(crate) fn app(&self) -> &App {
        &self.app
    }

    /// Moves the server's wall clock.
    pub(crate) fn pass(&self, ms: i64) {
        self.ahead_ms.fetch_add(ms, Ordering::SeqCst);
    }

    /// The secret of the role's key.
    pub(crate) fn key(&self, role: Role) -> &str {
        &self.keys[role.as_str()]
    }

    /// A request without any sign of who asks.
    pub(crate) fn anonymous(&self, method: Method, path: &str) -> RequestBuilder {
        self.client.request(method, format!("{}{path}", self.url))
    }

    /// A request with the role's key.
    pub(crate) fn request(&self, role: Role, method: Method, path: &str) -> RequestBuilder {
        self.anonymous(method, path).bearer_auth(self.key(role))
    }

    /// An admin's GET.
    pub(crate) async fn get(&self, path: &str) -> Response {
        self.request(Role::Admin, Method::GET, path).send().await.unwrap()
    }

    /// An admin's GET that must answer 200, as JSON.
    pub(crate) async fn json(&self, path: &str) -> Value {
        let response = self.get(path).await;
        assert_eq!(response.status(), StatusCode::OK, "{path}");
        response.json().await.unwrap()
    }

    /// An admin's POST of JSON.
    pub(crate) async fn post(&self, path: &str, body: &Value) -> Response {
        self.request(Role::Admin, Method::POST, path).json(body).send().await.unwrap()
    }

    /// Uploads bytes as an operator.
    pub(crate) async fn upload(&self, query: &str, bytes: impl Into<reqwest::Body>) -> Response {
        self.request(Role::Operator, Method::POST, &format!("/vod/upload{query}")).body(bytes).send().await.unwrap()
    }

    /// Uploads bytes that must be taken; answers the video.
    pub(crate) async fn uploaded(&self, query: &str, bytes: impl Into<reqwest::Body>) -> VideoId {
        let response = self.upload(query, bytes).await;
        assert_eq!(response.status(), StatusCode::CREATED);
        let answer: Value = response.json().await.unwrap();
        assert_eq!(answer["status"], "uploaded");
        answer["stream_id"].as_str().unwrap().parse().unwrap()
    }

    /// Uploads, probes and packages a video by record: `master.m3u8`, `360p/index.m3u8` and `360p/seg-1.m4s` of 1,000 bytes.
    pub(crate) async fn ready_video(&self, bytes: &'static [u8], duration_ms: i64) -> VideoId {
        let video = self.uploaded("?title=Ready", bytes).await;
        let row = self.store.video(&video).await.unwrap().unwrap();
        let manifests: Key = format!("manifests/{video}/{}-1", row.upload.as_str().replace("up-", "task-")).parse().unwrap();
        let variants: Key = format!("vod-variants/{video}/{}-1", row.upload.as_str().replace("up-", "task-")).parse().unwrap();
        let put = async |folder: &Key, name: &str, bytes: Vec<u8>| {
            self.blobs.put(&folder.join(name).unwrap(), bytes.into()).await.unwrap();
        };
        put(&manifests, "master.m3u8", b"#EXTM3U\n360p/index.m3u8\n".to_vec()).await;
        put(&manifests, "360p/index.m3u8", b"#EXTM3U\nseg-1.m4s\n".to_vec()).await;
        put(&variants, "360p/seg-1.m4s", (0..1000_u32).map(|n| (n % 251) as u8).collect()).await;
        put(&variants, "poster.jpg", b"\xff\xd8poster".to_vec()).await;
        let track =
            VideoTrack { codec: "h264".into(), width: 640, height: 360, fps_num: 25, fps_den: 1, ..VideoTrack::default() };
        let media = MediaInfo { container: "mov".into(), duration_ms, video: Some(track), ..MediaInfo::default() };
        let rendition = Rendition {
            name: "360p".into(),
            width: 640,
            height: 360,
            bandwidth_bps: 900_000,
            average_bandwidth_bps: 800_000,
            codecs: "avc1.64001e".into(),
            frame_rate: 25.0,
            playlist: "360p/index.m3u8".into(),
            segments: 1,
            size_bytes: 1000,
        };
        let facts = [
            Fact::MediaProbed { video: video.clone(), media },
            Fact::VideoPackaged {
                video: video.clone(),
                poster: Some(variants.join("poster.jpg").unwrap()),
                variants,
                manifests,
                audio: None,
                renditions: vec![rendition],
                duration_ms,
            },
        ];
        self.store.record(&facts, Guard::None).await.unwrap();
        video
    }

    /// Signs in; answers the cookie's pair and the CSRF text.
    pub(crate) async fn sign_in(&self, name: &str) -> (String, String) {
        let body = serde_json::json!({ "name": name, "password": PASSWORD });
        let response = self.anonymous(Method::POST, "/auth/login").json(&body).send().await.unwrap();
        assert_eq!(response.status(), StatusCode::OK);
        let cookie = response.headers()["set-cookie"].to_str().unwrap().split(';').next().unwrap().to_owned();
        let answer: Value = response.json().await.unwrap();
        (cookie, answer["csrf"].as_str().unwrap().to_owned())
    }

    /// Files below the blobs' folder, unfinished ones included.
    pub(crate) fn blob_files(&self) -> Vec<String> {
        let mut found = Vec::new();
        let mut folders = vec![self.blobs.root().to_owned()];
        while let Some(folder) = folders.pop() {
            for entry in std::fs::read_dir(folder).unwrap().flatten() {
                if entry.file_type().unwrap().is_dir() {
                    folders.push(entry.path());
                } else {
                    found.push(entry.path().strip_prefix(self.blobs.root()).unwrap().display().to_string());
                }
            }
        }
        found.sort();
        found
    }
}

impl Drop for TestApp {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}

/// The recorder of this test run: all its servers write to it.
fn metrics() -> PrometheusHandle {
    static INSTALLED: OnceLock<PrometheusHandle> = OnceLock::new();
    INSTALLED.get_or_init(|| weir::telemetry::install_metrics().unwrap()).clone()
}

/// Asserts a problem answer and gives its detail.
pub(crate) async fn problem(response: Response, status: u16, code: &str) -> String {
    let (got, kind) = (response.status().as_u16(), response.headers()["content-type"].to_str().unwrap().to_owned());
    let body: Value = response.json().await.unwrap();
    assert_eq!((got, body["code"].as_str()), (status, Some(code)), "{body}");
    assert_eq!(kind, "application/problem+json");
    assert_eq!((body["type"].as_str(), body["status"].as_u64()), (Some("about:blank"), Some(u64::from(status))));
    body["detail"].as_str().unwrap().to_owned()
}

/// Now, for facts that carry a time.
pub(crate) fn now() -> Micros {
    Clock::wall().now()
}

/// A catalogue without models.
struct NoModels;

impl weir::serve::models::Catalogue for NoModels {
    fn cards(&self) -> weir::serve::models::ModelsAnswer {
        weir::serve::models::ModelsAnswer::default()
    }
}
