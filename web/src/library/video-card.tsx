import { Link } from "wouter";
import type { VideoSummary } from "../api/types";
import { AnalysisChip, DecisionChip, LabelChip, StatusChip } from "../components/chips";
import { Poster } from "../components/poster";
import { RelativeTime } from "../components/relative-time";
import { bytes, score } from "../format/numbers";
import { clock } from "../format/time";
import { reasonWords } from "../format/words";

/** One video in the grid. The title is the link; the whole card follows it (see the style sheet). */
export function VideoCard({ video }: { video: VideoSummary }) {
  return (
    <article className="video-card">
      <div className="video-card-picture">
        <Poster url={video.poster_url} decision={video.decision} label={video.human_label} />
        {video.duration_ms != null && <span className="badge">{clock(video.duration_ms)}</span>}
      </div>
      <div className="video-card-text">
        <h2>
          <Link href={`/watch/${video.stream_id}`}>{video.title || video.stream_id}</Link>
        </h2>
        <p className="muted">
          <RelativeTime at={video.created_at} />
          {video.resolution && ` · ${video.resolution}`}
          {video.size_bytes > 0 && ` · ${bytes(video.size_bytes)}`}
        </p>
        {video.reason && <p className="bad">{reasonWords(video.reason).title}</p>}
        <div className="chips">
          <StatusChip status={video.status} />
          {video.status === "ready" && <AnalysisChip analysis={video.analysis} />}
          {video.decision !== "pending" && <DecisionChip decision={video.decision} />}
          {video.human_label && <LabelChip label={video.human_label} />}
          {video.score != null && <span className="muted score">{score(video.score)}</span>}
        </div>
      </div>
    </article>
  );
}
