import { Link } from "wouter";
import type { VideoSummary } from "../api/types";
import { AnalysisChip, DecisionChip, LabelChip, StatusChip } from "../components/chips";
import { Empty } from "../components/note";
import { Poster } from "../components/poster";
import { RelativeTime } from "../components/relative-time";
import { score } from "../format/numbers";

/** The latest videos with what was decided. */
export function Latest({ videos }: { videos: VideoSummary[] }) {
  if (videos.length === 0) return <Empty title="No videos yet." />;
  return (
    <ul className="latest">
      {videos.map((video) => (
        <li key={video.stream_id}>
          <Poster url={video.poster_url} decision={video.decision} label={video.human_label} />
          <div className="latest-what">
            <Link href={`/watch/${video.stream_id}`}>{video.title || video.stream_id}</Link>
            <span className="muted">
              <RelativeTime at={video.decided_at ?? video.created_at} />
              {video.score != null && ` · score ${score(video.score)}`}
            </span>
          </div>
          <div className="chips">
            <StatusChip status={video.status} />
            {video.status === "ready" && <AnalysisChip analysis={video.analysis} />}
            {video.decision !== "pending" && <DecisionChip decision={video.decision} />}
            {video.human_label && <LabelChip label={video.human_label} />}
          </div>
        </li>
      ))}
    </ul>
  );
}
