import type { Task, VideoMetadata, VideoStatus } from "../api/types";
import { Icon } from "../components/icon";
import { Note } from "../components/note";
import { percent } from "../format/numbers";
import { reasonWords, STATUS_WORDS, words } from "../format/words";

const STEPS: { status: VideoStatus; title: string }[] = [
  { status: "created", title: "Announced" },
  { status: "uploaded", title: "Stored" },
  { status: "processing", title: "Probed" },
  { status: "transcoding", title: "Packaged" },
  { status: "ready", title: "Ready" },
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
  const at = STEPS.findIndex((step) => step.status === video.status);
  const running = tasks.find((task) => task.state === "running" && (task.kind === "package" || task.kind === "probe"));
  return (
    <div className="pipeline">
      <ol className="steps">
        {STEPS.map((step, index) => (
          <li key={step.status} className={index <= at ? "done" : index === at + 1 ? "next" : undefined} aria-current={index === at ? "step" : undefined}>
            <i aria-hidden="true">{index <= at && <Icon name="check" />}</i>
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
