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
    id TEXT COLLATE "C" PRIMARY KEY,
    upload TEXT COLLATE "C" NOT NULL UNIQUE,
    owner TEXT COLLATE "C" NOT NULL,
    external_id TEXT COLLATE "C",
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
    original TEXT COLLATE "C",
    media TEXT,
    variants TEXT COLLATE "C",
    manifests TEXT COLLATE "C",
    poster TEXT COLLATE "C",
    audio TEXT COLLATE "C",
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
    video TEXT COLLATE "C" NOT NULL REFERENCES videos (id),
    name TEXT COLLATE "C" NOT NULL,
    value TEXT COLLATE "C" NOT NULL,
    PRIMARY KEY (video, name)
);
CREATE INDEX video_labels_name ON video_labels (name, value);

-- One copy of equal bytes.
CREATE TABLE contents (
    sha256 TEXT COLLATE "C" PRIMARY KEY,
    key TEXT COLLATE "C" NOT NULL UNIQUE,
    size_bytes BIGINT NOT NULL,
    refs BIGINT NOT NULL
);

-- One result per content, analyser, version, planner, model and parameters.
CREATE TABLE analyser_results (
    key TEXT COLLATE "C" PRIMARY KEY,
    analyser TEXT COLLATE "C" NOT NULL,
    version BIGINT NOT NULL,
    model TEXT NOT NULL,
    status TEXT NOT NULL,
    reason TEXT,
    ms BIGINT NOT NULL,
    samples BIGINT NOT NULL,
    findings_key TEXT COLLATE "C",
    created_at BIGINT NOT NULL
);
CREATE INDEX analyser_results_findings ON analyser_results (findings_key) WHERE findings_key IS NOT NULL;

CREATE TABLE spans (
    result TEXT COLLATE "C" NOT NULL REFERENCES analyser_results (key) ON DELETE CASCADE,
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
    video TEXT COLLATE "C" NOT NULL REFERENCES videos (id),
    analyser TEXT COLLATE "C" NOT NULL,
    result TEXT COLLATE "C" NOT NULL REFERENCES analyser_results (key),
    PRIMARY KEY (video, analyser)
);
CREATE INDEX video_results_result ON video_results (result);

CREATE TABLE verdicts (
    video TEXT COLLATE "C" PRIMARY KEY REFERENCES videos (id),
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
    id BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    video TEXT COLLATE "C" NOT NULL REFERENCES videos (id),
    label TEXT NOT NULL,
    account TEXT NOT NULL,
    at BIGINT NOT NULL,
    note TEXT
);
CREATE INDEX human_labels_video ON human_labels (video, id);

CREATE TABLE tasks (
    id TEXT COLLATE "C" PRIMARY KEY,
    kind TEXT COLLATE "C" NOT NULL,
    video TEXT COLLATE "C",
    owner TEXT COLLATE "C" NOT NULL,
    state TEXT COLLATE "C" NOT NULL,
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
    task TEXT COLLATE "C" NOT NULL REFERENCES tasks (id) ON DELETE CASCADE,
    after TEXT COLLATE "C" NOT NULL REFERENCES tasks (id) ON DELETE CASCADE,
    settled BIGINT NOT NULL,
    PRIMARY KEY (task, after)
);
CREATE INDEX task_edges_after ON task_edges (after);

-- One row per lease.
CREATE TABLE attempts (
    task TEXT COLLATE "C" NOT NULL REFERENCES tasks (id) ON DELETE CASCADE,
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
    id BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    epoch BIGINT NOT NULL,
    xid xid8 NOT NULL DEFAULT pg_current_xact_id(),
    at BIGINT NOT NULL,
    topic TEXT,
    key TEXT NOT NULL,
    kind TEXT NOT NULL,
    data TEXT NOT NULL
);
CREATE UNIQUE INDEX events_order ON events (epoch, xid, id);

-- Announcements that the feed has taken up, refused, parked or passed over.
CREATE TABLE announcements (
    topic TEXT COLLATE "C" NOT NULL,
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
    name TEXT COLLATE "C" PRIMARY KEY,
    holder TEXT NOT NULL,
    fence BIGINT NOT NULL,
    lease_until BIGINT NOT NULL,
    position TEXT NOT NULL
);

CREATE TABLE accounts (
    id TEXT COLLATE "C" PRIMARY KEY,
    name TEXT COLLATE "C" NOT NULL UNIQUE,
    role TEXT NOT NULL,
    password_hash TEXT NOT NULL,
    created_at BIGINT NOT NULL
);

CREATE TABLE api_keys (
    id TEXT COLLATE "C" PRIMARY KEY,
    name TEXT NOT NULL,
    role TEXT NOT NULL,
    owner TEXT NOT NULL,
    secret_sha256 TEXT COLLATE "C" NOT NULL UNIQUE,
    created_at BIGINT NOT NULL,
    last_used_at BIGINT
);

CREATE TABLE sign_ins (
    cookie_sha256 TEXT COLLATE "C" PRIMARY KEY,
    account TEXT COLLATE "C" NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
    csrf TEXT NOT NULL,
    expires_at BIGINT NOT NULL
);
CREATE INDEX sign_ins_account ON sign_ins (account);
CREATE INDEX sign_ins_expires ON sign_ins (expires_at);

CREATE TABLE play_sessions (
    id TEXT COLLATE "C" PRIMARY KEY,
    token_sha256 TEXT COLLATE "C" NOT NULL UNIQUE,
    video TEXT COLLATE "C" NOT NULL,
    variants TEXT COLLATE "C" NOT NULL,
    manifests TEXT COLLATE "C" NOT NULL,
    expires_at BIGINT NOT NULL,
    renew_until BIGINT NOT NULL,
    revoked BIGINT NOT NULL
);
CREATE INDEX play_sessions_expires ON play_sessions (expires_at);
CREATE INDEX play_sessions_variants ON play_sessions (variants);
CREATE INDEX play_sessions_manifests ON play_sessions (manifests);

-- The seeds' table of log lines; `timestamp` is RFC 3339 in UTC.
CREATE TABLE system_logs (
    id BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    timestamp TEXT NOT NULL,
    level TEXT NOT NULL,
    message TEXT NOT NULL,
    source TEXT NOT NULL
);
CREATE INDEX system_logs_level ON system_logs (level, id);

-- The seeds' table of predictions. Verdict words are `harmful` and `safe`, NULL where a modality is absent.
CREATE VIEW video_predictions AS
SELECT v.id AS video_id,
       v.title || COALESCE((SELECT E'\n' || string_agg(s.text, E'\n' ORDER BY s.start_ms, s.number)
                              FROM video_results r JOIN spans s ON s.result = r.result
                             WHERE r.video = v.id AND s.text IS NOT NULL), '') AS raw_text,
       CAST(v.human_label AS json) ->> 'label' AS human_label,
       CASE WHEN d.text_score >= d.threshold THEN 'harmful' WHEN d.text_score IS NOT NULL THEN 'safe' END AS text_verdict,
       d.text_score AS text_score,
       CASE WHEN d.video_score >= d.threshold THEN 'harmful' WHEN d.video_score IS NOT NULL THEN 'safe' END AS video_verdict,
       d.video_score AS video_score,
       d.avg_score AS avg_score,
       d.decision AS final_decision,
       to_timestamp(d.created_at / 1000000.0) AS created_at
  FROM verdicts d JOIN videos v ON v.id = d.video
 WHERE v.deleted_at IS NULL;

-- The seeds' collection of recordings.
CREATE VIEW vod_metadata AS
SELECT v.id AS stream_id,
       v.title AS title,
       v.status AS status,
       v.size_bytes AS size_bytes,
       (CAST(v.media AS json) -> 'video' ->> 'width') || 'x' || (CAST(v.media AS json) -> 'video' ->> 'height') AS resolution,
       v.duration_ms AS duration_ms,
       v.sha256 AS checksum,
       (v.completed_at - v.uploaded_at) / 1000.0 AS processing_latency_ms,
       ARRAY(SELECT r.value ->> 'name' FROM json_array_elements(CAST(v.renditions AS json)) r) AS variants_generated,
       ARRAY(SELECT v.variants || '/' || (r.value ->> 'name') FROM json_array_elements(CAST(v.renditions AS json)) r) AS variant_paths,
       v.manifests || '/master.m3u8' AS manifest_path,
       v.variants IS NOT NULL AS keyframe_aligned,
       CASE WHEN CAST(v.media AS json) ->> 'audio' IS NOT NULL THEN 'audio-' || v.id END AS audio_track_id,
       CASE WHEN CAST(v.media AS json) ->> 'video' IS NOT NULL THEN 'video-' || v.id END AS video_track_id,
       to_timestamp(v.created_at / 1000000.0) AS created_at,
       to_timestamp(v.processing_started_at / 1000000.0) AS processing_started_at,
       to_timestamp(v.transcoding_started_at / 1000000.0) AS transcoding_started_at,
       to_timestamp(v.completed_at / 1000000.0) AS completed_at,
       v.analysis AS analysis,
       v.decision AS decision
  FROM videos v
 WHERE v.deleted_at IS NULL;
