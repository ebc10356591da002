import type { Task, VideoMetadata, VideoStatus } from "../api/types";
import { Icon } from "../components/icon";
import { Note } from "../components/note";
import { percent } from "../format/numbers";
import { reasonWords, STATUS_WORDS, words } from "../format/words";

/** Each step with the statuses in which it is behind the video; in the one before it is being done. */
const STEPS: { title: string; after: VideoStatus[] }[] = [
  { title: "Announced", after: ["created", "uploaded", "processing", "transcoding"] },
  { title: "Stored", after: ["uploaded", "processing", "transcoding"] },
  { title: "Probed", after: ["transcoding"] },
  { title: "Packaged", after: [] },
  { title: "Ready", after: [] },
];

/** Where a video stands that cannot be played yet, or why it never will. */
export function Pipeline({ video, tasks }: { video: VideoMetadata; tasks: Task[] }) {
  if (video.status === "failed") {
    const reason = reasonWords(video.reason ?? "unknown: no reason was given");
    return (
      <div className="pipeline">
        <Note tone="bad">
          <p>
            <strong>{reason.title}</strong>
          </p>
          {reason.detail && <p>{reason.detail}</p>}
        </Note>
      </div>
    );
  }
  const next = STEPS.findIndex((step) => !step.after.includes(video.status));
  const running = tasks.find((task) => task.state === "running" && (task.kind === "package" || task.kind === "probe"));
  return (
    <div className="pipeline">
      <ol className="steps">
        {STEPS.map((step, index) => (
          <li key={step.title} className={index < next ? "done" : index === next ? "next" : undefined} aria-current={index === next ? "step" : undefined}>
            <i aria-hidden="true">{index < next && <Icon name="check" />}</i>
            {step.title}
          </li>
        ))}
      </ol>
      <p role="status">{STATUS_WORDS[video.status]}</p>
      {running && (
        <div className="row">
          <progress aria-label={`${words(running.kind)} progress`} max={1} value={running.progress} />
          <span className="muted">
            {percent(running.progress)}
            {running.step && ` · ${running.step}`}
          </span>
        </div>
      )}
    </div>
  );
}
