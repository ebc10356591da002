import { useState } from "react";
import { Link } from "wouter";
import { useEvents } from "../api/use-events";
import type { VideoStatus } from "../api/types";
import { Icon } from "../components/icon";
import { bytes, percent, plural } from "../format/numbers";
import { STATUS_WORDS, uploadProblem } from "../format/words";
import { totals, type UploadItem } from "./queue";
import { useUploads } from "./uploads";

const STATUS_OF_EVENT: Record<string, VideoStatus> = {
  "video.uploaded": "uploaded",
  "video.processing": "processing",
  "video.transcoding": "transcoding",
  "video.ready": "ready",
  "video.failed": "failed",
};

/** Every file with how far it is, and what became of it on the server. */
export function UploadList({ items, onClear }: { items: UploadItem[]; onClear: () => void }) {
  const statuses = useStatuses();
  const { sent, all } = totals(items);
  const ended = items.some((item) => item.state === "stored" || item.state === "failed");
  return (
    <section className="card" aria-labelledby="files-heading">
      <header className="card-head">
        <h2 id="files-heading">{plural(items.length, "file")}</h2>
        <span className="muted">
          {bytes(sent)} of {bytes(all)}
        </span>
        {ended && (
          <button type="button" className="button small" onClick={onClear}>
            Clear the ended
          </button>
        )}
      </header>
      <ul className="uploads">
        {items.map((item) => (
          <Row key={item.id} item={item} status={item.video === undefined ? undefined : statuses[item.video]} />
        ))}
      </ul>
    </section>
  );
}

function useStatuses(): Record<string, VideoStatus> {
  const [statuses, setStatuses] = useState<Record<string, VideoStatus>>({});
  useEvents((heard) => {
    if (heard.type !== "event") return;
    const status = STATUS_OF_EVENT[heard.event.kind];
    if (status) setStatuses((before) => ({ ...before, [heard.event.key]: status }));
  });
  return statuses;
}

function Row({ item, status }: { item: UploadItem; status: VideoStatus | undefined }) {
  const { cancel, retry } = useUploads();
  const name = item.file.name;
  const open = item.state === "waiting" || item.state === "sending";
  return (
    <li className={`upload ${item.state}`}>
      <div className="upload-name">
        {item.video === undefined ? <span>{name}</span> : <Link href={`/watch/${item.video}`}>{name}</Link>}
        <span className="muted">{bytes(item.file.size)}</span>
      </div>
      <div className="upload-end">
        {item.state === "failed" && (
          <button type="button" className="icon-button" aria-label={`Try ${name} again`} onClick={() => retry(item.id)}>
            <Icon name="again" />
          </button>
        )}
        {open && (
          <button type="button" className="icon-button" aria-label={`Cancel ${name}`} onClick={() => cancel(item.id)}>
            <Icon name="close" />
          </button>
        )}
      </div>
      {item.state === "sending" && <progress aria-label={`Upload of ${name}`} max={item.file.size} value={item.sentBytes} />}
      <p className="upload-words">{stateWords(item, status)}</p>
    </li>
  );
}

function stateWords(item: UploadItem, status: VideoStatus | undefined): string {
  switch (item.state) {
    case "waiting":
      return "Waiting for its turn";
    case "sending": {
      if (item.sentBytes >= item.file.size) return "Being stored";
      const rate = item.rate > 0 ? ` · ${bytes(item.rate)}/s` : "";
      return `${percent(item.sentBytes / item.file.size)}${rate}`;
    }
    case "failed":
      return item.error ? uploadProblem(item.error) : "It did not work.";
    case "stored":
      return STATUS_WORDS[status ?? "uploaded"];
  }
}
