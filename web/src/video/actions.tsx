import { useState } from "react";
import { useLocation } from "wouter";
import { asApiError } from "../api/client";
import type { VideoMetadata } from "../api/types";
import { analyseAgain, deleteVideo } from "../api/videos";
import { Confirm } from "../components/confirm";
import { Icon } from "../components/icon";
import { Note } from "../components/note";
import { useMay } from "../session/session";

/** What an operator may do with a video. */
export function Actions({ video, onChanged }: { video: VideoMetadata; onChanged: () => void }) {
  const may = useMay("operator");
  const [asking, setAsking] = useState(false);
  const [problem, setProblem] = useState<string>();
  const [, navigate] = useLocation();
  if (!may) return null;
  const final = video.analysis === "done" || video.analysis === "partial" || video.analysis === "failed";
  const again = async () => {
    setProblem(undefined);
    try {
      await analyseAgain(video.stream_id);
      onChanged();
    } catch (error) {
      setProblem(asApiError(error).message);
    }
  };
  return (
    <div className="actions">
      {final && video.status !== "failed" && (
        <button type="button" className="button small" onClick={() => void again()}>
          <Icon name="again" /> Analyse again
        </button>
      )}
      <button type="button" className="button small" onClick={() => setAsking(true)}>
        <Icon name="trash" /> Delete
      </button>
      {problem !== undefined && <Note tone="bad">{problem}</Note>}
      {asking && (
        <Confirm
          title="Delete this video?"
          act="Delete"
          tone="danger"
          onClose={() => setAsking(false)}
          onConfirm={async () => {
            await deleteVideo(video.stream_id);
            navigate("/library");
          }}
        >
          <p>
            <strong>{video.title || video.stream_id}</strong>, its renditions, findings and verdict are deleted. This cannot be undone.
          </p>
        </Confirm>
      )}
    </div>
  );
}
