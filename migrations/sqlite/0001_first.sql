-- The first tables. Ids, states and keys are TEXT, times are BIGINT microseconds since 1970 UTC, JSON is TEXT, truth values
-- are 0 and 1. The same migration is in both folders under the same number and name; a test compares them.

-- One row: who this installation is, and how far events were forgotten.
CREATE TABLE installation (
    one BIGINT PRIMARY KEY CHECK (one = 1),
    id TEXT NOT NULL,
    -- grows when the database is restored or moved: cursors of before stay smaller
    epoch BIGINT NOT NULL,
    -- events up to and including this cursor are gone
    forgotten_epoch BIGINT NOT NULL,
    forgotten_xid BIGINT NOT NULL,
    forgotten_id BIGINT NOT NULL
);

CREATE TABLE videos (
    id TEXT PRIMARY KEY,
    upload TEXT NOT NULL UNIQUE,
    owner TEXT NOT NULL,
    external_id TEXT,
    labels TEXT NOT NULL,
    title TEXT NOT NULL,
    -- the title in lower case, for search
    title_folded TEXT NOT NULL,
    status TEXT NOT NULL,
    analysis TEXT NOT NULL,
    decision TEXT NOT NULL,
    reason TEXT,
    size_bytes BIGINT NOT NULL,
    sha256 TEXT NOT NULL,
    original TEXT,
    media TEXT,
    variants TEXT,
    manifests TEXT,
    poster TEXT,
    audio TEXT,
    renditions TEXT NOT NULL,
    duration_ms BIGINT,
    -- the last human label as JSON
    human_label TEXT,
    created_at BIGINT NOT NULL,
    uploaded_at BIGINT,
    processing_started_at BIGINT,
    transcoding_started_at BIGINT,
    completed_at BIGINT,
    analysed_at BIGINT,
    decided_at BIGINT,
    deleted_at BIGINT,
    purged_at BIGINT
);
CREATE UNIQUE INDEX videos_external_id ON videos (owner, external_id) WHERE external_id IS NOT NULL AND deleted_at IS NULL;
CREATE INDEX videos_newest ON videos (created_at, id) WHERE deleted_at IS NULL;
CREATE INDEX videos_owner ON videos (owner, created_at, id) WHERE deleted_at IS NULL;
CREATE INDEX videos_status ON videos (status, created_at, id) WHERE deleted_at IS NULL;
CREATE INDEX videos_decision ON videos (decision, created_at, id) WHERE deleted_at IS NULL;
CREATE INDEX videos_analysis ON videos (analysis) WHERE deleted_at IS NULL;
CREATE INDEX videos_uploaded ON videos (uploaded_at) WHERE deleted_at IS NULL AND uploaded_at IS NOT NULL;
CREATE INDEX videos_completed ON videos (completed_at) WHERE deleted_at IS NULL AND completed_at IS NOT NULL;
CREATE INDEX videos_analysed ON videos (analysed_at) WHERE deleted_at IS NULL AND analysed_at IS NOT NULL;
CREATE INDEX videos_decided ON videos (decided_at, id) WHERE deleted_at IS NULL AND decided_at IS NOT NULL;
CREATE INDEX videos_variants ON videos (variants) WHERE variants IS NOT NULL;
CREATE INDEX videos_manifests ON videos (manifests) WHERE manifests IS NOT NULL;
CREATE INDEX videos_poster ON videos (poster) WHERE poster IS NOT NULL;
CREATE INDEX videos_audio ON videos (audio) WHERE audio IS NOT NULL;

-- Labels of `videos.labels` whose values are strings, for search.
CREATE TABLE video_labels (
    video TEXT NOT NULL REFERENCES videos (id),
    name TEXT NOT NULL,
    value TEXT NOT NULL,
    PRIMARY KEY (video, name)
);
CREATE INDEX video_labels_name ON video_labels (name, value);

-- One copy of equal bytes.
CREATE TABLE contents (
    sha256 TEXT PRIMARY KEY,
    key TEXT NOT NULL UNIQUE,
    size_bytes BIGINT NOT NULL,
    refs BIGINT NOT NULL
);

-- One result per content, analyser, version, planner, model and parameters.
CREATE TABLE analyser_results (
    key TEXT PRIMARY KEY,
    analyser TEXT NOT NULL,
    version BIGINT NOT NULL,
    model TEXT NOT NULL,
    status TEXT NOT NULL,
    reason TEXT,
    ms BIGINT NOT NULL,
    samples BIGINT NOT NULL,
    findings_key TEXT,
    created_at BIGINT NOT NULL
);
CREATE INDEX analyser_results_findings ON analyser_results (findings_key) WHERE findings_key IS NOT NULL;

CREATE TABLE spans (
    result TEXT NOT NULL REFERENCES analyser_results (key) ON DELETE CASCADE,
    number BIGINT NOT NULL,
    start_ms BIGINT NOT NULL,
    end_ms BIGINT NOT NULL,
    frame BIGINT,
    label TEXT NOT NULL,
    confidence DOUBLE PRECISION NOT NULL,
    bounds TEXT,
    text TEXT,
    value TEXT,
    count BIGINT NOT NULL,
    PRIMARY KEY (result, number)
);
CREATE INDEX spans_start ON spans (result, start_ms);

-- Which results are a video's current ones.
CREATE TABLE video_results (
    video TEXT NOT NULL REFERENCES videos (id),
    analyser TEXT NOT NULL,
    result TEXT NOT NULL REFERENCES analyser_results (key),
    PRIMARY KEY (video, analyser)
);
CREATE INDEX video_results_result ON video_results (result);

CREATE TABLE verdicts (
    video TEXT PRIMARY KEY REFERENCES videos (id),
    decision TEXT NOT NULL,
    text_score DOUBLE PRECISION,
    video_score DOUBLE PRECISION,
    avg_score DOUBLE PRECISION,
    threshold DOUBLE PRECISION NOT NULL,
    -- the whole verdict as JSON
    body TEXT NOT NULL,
    created_at BIGINT NOT NULL
);

CREATE TABLE human_labels (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    video TEXT NOT NULL REFERENCES videos (id),
    label TEXT NOT NULL,
    account TEXT NOT NULL,
    at BIGINT NOT NULL,
    note TEXT
);
CREATE INDEX human_labels_video ON human_labels (video, id);

CREATE TABLE tasks (
    id TEXT PRIMARY KEY,
    kind TEXT NOT NULL,
    video TEXT,
    owner TEXT NOT NULL,
    state TEXT NOT NULL,
    priority BIGINT NOT NULL,
    run_at BIGINT NOT NULL,
    -- how many edges of `task_edges` are not settled
    waiting BIGINT NOT NULL,
    input TEXT NOT NULL,
    attempt BIGINT NOT NULL,
    max_attempts BIGINT NOT NULL,
    worker TEXT,
    token BIGINT NOT NULL,
    lease_until BIGINT,
    cancel_requested BIGINT NOT NULL,
    progress DOUBLE PRECISION NOT NULL,
    step TEXT,
    error TEXT,
    created_at BIGINT NOT NULL,
    started_at BIGINT,
    ended_at BIGINT
);
CREATE INDEX tasks_ready ON tasks (kind, priority DESC, run_at, id, owner) WHERE state = 'ready';
CREATE INDEX tasks_due ON tasks (kind, run_at) WHERE state = 'ready';
CREATE INDEX tasks_running ON tasks (kind, owner, lease_until) WHERE state = 'running';
CREATE INDEX tasks_open ON tasks (kind, state, created_at) WHERE ended_at IS NULL;
CREATE INDEX tasks_ended ON tasks (ended_at) WHERE ended_at IS NOT NULL;
CREATE INDEX tasks_newest ON tasks (created_at, id);
CREATE INDEX tasks_state ON tasks (state, created_at, id);
CREATE INDEX tasks_kind ON tasks (kind, created_at, id);
CREATE INDEX tasks_video ON tasks (video, created_at, id) WHERE video IS NOT NULL;

-- `task` waits for `after`; settled once, when `after` becomes final for the first time.
CREATE TABLE task_edges (
    task TEXT NOT NULL REFERENCES tasks (id) ON DELETE CASCADE,
    after TEXT NOT NULL REFERENCES tasks (id) ON DELETE CASCADE,
    settled BIGINT NOT NULL,
    PRIMARY KEY (task, after)
);
CREATE INDEX task_edges_after ON task_edges (after);

-- One row per lease.
CREATE TABLE attempts (
    task TEXT NOT NULL REFERENCES tasks (id) ON DELETE CASCADE,
    token BIGINT NOT NULL,
    attempt BIGINT NOT NULL,
    worker TEXT NOT NULL,
    started_at BIGINT NOT NULL,
    ended_at BIGINT,
    outcome TEXT,
    error TEXT,
    PRIMARY KEY (task, token)
);

-- What other systems are told, in the order (epoch, xid, id).
CREATE TABLE events (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    epoch BIGINT NOT NULL,
    xid BIGINT NOT NULL DEFAULT 0,
    at BIGINT NOT NULL,
    topic TEXT,
    key TEXT NOT NULL,
    kind TEXT NOT NULL,
    data TEXT NOT NULL
);
CREATE UNIQUE INDEX events_order ON events (epoch, xid, id);

-- Announcements that the feed has taken up, refused, parked or passed over.
CREATE TABLE announcements (
    topic TEXT NOT NULL,
    partition BIGINT NOT NULL,
    position BIGINT NOT NULL,
    stream TEXT,
    outcome TEXT NOT NULL,
    at BIGINT NOT NULL,
    PRIMARY KEY (topic, partition, position)
);
CREATE INDEX announcements_at ON announcements (at);

-- Places with a single holder: cursors of sinks, positions of the feed.
CREATE TABLE places (
    name TEXT PRIMARY KEY,
    holder TEXT NOT NULL,
    fence BIGINT NOT NULL,
    lease_until BIGINT NOT NULL,
    position TEXT NOT NULL
);

CREATE TABLE accounts (
    id TEXT PRIMARY KEY,
    name TEXT NOT NULL UNIQUE,
    role TEXT NOT NULL,
    password_hash TEXT NOT NULL,
    created_at BIGINT NOT NULL
);

CREATE TABLE api_keys (
    id TEXT PRIMARY KEY,
    name TEXT NOT NULL,
    role TEXT NOT NULL,
    owner TEXT NOT NULL,
    secret_sha256 TEXT NOT NULL UNIQUE,
    created_at BIGINT NOT NULL,
    last_used_at BIGINT
);

CREATE TABLE sign_ins (
    cookie_sha256 TEXT PRIMARY KEY,
    account TEXT NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
    csrf TEXT NOT NULL,
    expires_at BIGINT NOT NULL
);
CREATE INDEX sign_ins_account ON sign_ins (account);
CREATE INDEX sign_ins_expires ON sign_ins (expires_at);

CREATE TABLE play_sessions (
    id TEXT PRIMARY KEY,
    token_sha256 TEXT NOT NULL UNIQUE,
    video TEXT NOT NULL,
    variants TEXT NOT NULL,
    manifests TEXT NOT NULL,
    expires_at BIGINT NOT NULL,
    renew_until BIGINT NOT NULL,
    revoked BIGINT NOT NULL
);
CREATE INDEX play_sessions_expires ON play_sessions (expires_at);
CREATE INDEX play_sessions_variants ON play_sessions (variants);
CREATE INDEX play_sessions_manifests ON play_sessions (manifests);

-- The seeds' table of log lines; `timestamp` is RFC 3339 in UTC.
CREATE TABLE system_logs (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    timestamp TEXT NOT NULL,
    level TEXT NOT NULL,
    message TEXT NOT NULL,
    source TEXT NOT NULL
);
CREATE INDEX system_logs_level ON system_logs (level, id);

-- The seeds' table of predictions. Verdict words are `harmful` and `safe`, NULL where a modality is absent.
CREATE VIEW video_predictions AS
SELECT v.id AS video_id,
       v.title || COALESCE((SELECT char(10) || group_concat(t.text, char(10))
                              FROM (SELECT s.text AS text FROM video_results r JOIN spans s ON s.result = r.result
                                     WHERE r.video = v.id AND s.text IS NOT NULL ORDER BY s.start_ms, s.number) t), '') AS raw_text,
       json_extract(v.human_label, '$.label') AS human_label,
       CASE WHEN d.text_score >= d.threshold THEN 'harmful' WHEN d.text_score IS NOT NULL THEN 'safe' END AS text_verdict,
       d.text_score AS text_score,
       CASE WHEN d.video_score >= d.threshold THEN 'harmful' WHEN d.video_score IS NOT NULL THEN 'safe' END AS video_verdict,
       d.video_score AS video_score,
       d.avg_score AS avg_score,
       d.decision AS final_decision,
       strftime('%Y-%m-%dT%H:%M:%fZ', d.created_at / 1000000.0, 'unixepoch') AS created_at
  FROM verdicts d JOIN videos v ON v.id = d.video
 WHERE v.deleted_at IS NULL;

-- The seeds' collection of recordings.
CREATE VIEW vod_metadata AS
SELECT v.id AS stream_id,
       v.title AS title,
       v.status AS status,
       v.size_bytes AS size_bytes,
       json_extract(v.media, '$.video.width') || 'x' || json_extract(v.media, '$.video.height') AS resolution,
       v.duration_ms AS duration_ms,
       v.sha256 AS checksum,
       (v.completed_at - v.uploaded_at) / 1000.0 AS processing_latency_ms,
       (SELECT json_group_array(json_extract(r.value, '$.name')) FROM json_each(v.renditions) r) AS variants_generated,
       (SELECT json_group_array(v.variants || '/' || json_extract(r.value, '$.name')) FROM json_each(v.renditions) r) AS variant_paths,
       v.manifests || '/master.m3u8' AS manifest_path,
       v.variants IS NOT NULL AS keyframe_aligned,
       CASE WHEN json_extract(v.media, '$.audio') IS NOT NULL THEN 'audio-' || v.id END AS audio_track_id,
       CASE WHEN json_extract(v.media, '$.video') IS NOT NULL THEN 'video-' || v.id END AS video_track_id,
       strftime('%Y-%m-%dT%H:%M:%fZ', v.created_at / 1000000.0, 'unixepoch') AS created_at,
       strftime('%Y-%m-%dT%H:%M:%fZ', v.processing_started_at / 1000000.0, 'unixepoch') AS processing_started_at,
       strftime('%Y-%m-%dT%H:%M:%fZ', v.transcoding_started_at / 1000000.0, 'unixepoch') AS transcoding_started_at,
       strftime('%Y-%m-%dT%H:%M:%fZ', v.completed_at / 1000000.0, 'unixepoch') AS completed_at,
       v.analysis AS analysis,
       v.decision AS decision
  FROM videos v
 WHERE v.deleted_at IS NULL;
