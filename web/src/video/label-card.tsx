import { useState } from "react";
import type { VideoMetadata } from "../api/types";
import { useQuery } from "../api/use-query";
import { labelVideo, videoLabels } from "../api/videos";
import { Confirm } from "../components/confirm";
import { LabelChip } from "../components/chips";
import { Icon } from "../components/icon";
import { RelativeTime } from "../components/relative-time";
import { useMay } from "../session/session";

export type AskedLabel = "safe" | "harmful";

interface Props {
  video: VideoMetadata;
  /** The label that is being asked about, by a button or by a key. */
  asking: AskedLabel | undefined;
  onAsk: (label: AskedLabel | undefined) => void;
  onLabelled: () => void;
}

/** A person's word, kept beside the verdict. */
export function LabelCard({ video, asking, onAsk, onLabelled }: Props) {
  const may = useMay("reviewer");
  const label = video.human_label;
  const history = useQuery(label ? `labels ${video.stream_id} ${label.at}` : null, (signal) => videoLabels(video.stream_id, signal));
  const earlier = (history.data?.items ?? []).filter((each) => each.at !== label?.at);
  return (
    <section className="card label-card" aria-labelledby="label-heading">
      <header className="card-head">
        <h2 id="label-heading">Human label</h2>
        {label ? <LabelChip label={label} /> : <span className="muted">none yet</span>}
      </header>
      {label && (
        <p className="muted">
          by {label.by_name ?? label.by}, <RelativeTime at={label.at} />
          {label.note && <q className="note-text">{label.note}</q>}
        </p>
      )}
      {may && (
        <div className="row">
          <button type="button" className="button label-safe" onClick={() => onAsk("safe")}>
            <Icon name="check" /> Safe <kbd>1</kbd>
          </button>
          <button type="button" className="button label-harmful" onClick={() => onAsk("harmful")}>
            <Icon name="warning" /> Harmful <kbd>2</kbd>
          </button>
        </div>
      )}
      {earlier.length > 0 && (
        <details>
          <summary>Earlier labels ({earlier.length})</summary>
          <ul className="label-history">
            {earlier.map((each) => (
              <li key={each.at}>
                <LabelChip label={each} /> {each.by_name ?? each.by}, <RelativeTime at={each.at} />
                {each.note && <q className="note-text">{each.note}</q>}
              </li>
            ))}
          </ul>
        </details>
      )}
      {asking && may && (
        <LabelDialog
          id={video.stream_id}
          label={asking}
          onClose={() => onAsk(undefined)}
          onDone={() => {
            onAsk(undefined);
            onLabelled();
          }}
        />
      )}
    </section>
  );
}

const NOTE_MAX = 2000;

function LabelDialog({ id, label, onClose, onDone }: { id: string; label: AskedLabel; onClose: () => void; onDone: () => void }) {
  const [note, setNote] = useState("");
  return (
    <Confirm
      title={`Label this video as ${label}?`}
      act={`Label as ${label}`}
      tone={label === "harmful" ? "danger" : "primary"}
      onClose={onClose}
      onConfirm={async () => {
        await labelVideo(id, label, note.trim());
        onDone();
      }}
    >
      <p>Your label stands beside the verdict and is never overwritten by one.</p>
      <label className="field">
        Note (optional)
        <textarea rows={3} maxLength={NOTE_MAX} value={note} onChange={(event) => setNote(event.target.value)} />
      </label>
    </Confirm>
  );
}
