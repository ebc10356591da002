import { useId, useRef, useState } from "react";
import { Empty, Note } from "../components/note";
import { Icon } from "../components/icon";
import { useTitle } from "../components/use-title";
import { useMay } from "../session/session";
import { DropZone } from "../uploads/drop-zone";
import { parseLabels } from "../uploads/queue";
import { UploadList } from "../uploads/upload-list";
import { useUploads } from "../uploads/uploads";
import "../uploads/uploads.css";

export function UploadPage() {
  useTitle("Upload");
  const may = useMay("operator");
  return (
    <div className="page narrow">
      <h1>Upload</h1>
      {may ? <UploadForm /> : <Empty title="Your role may look and play, but not upload." />}
    </div>
  );
}

function UploadForm() {
  const { items, add, clear } = useUploads();
  const [owner, setOwner] = useState("");
  const [labels, setLabels] = useState("");
  const parsed = parseLabels(labels);
  const input = useRef<HTMLInputElement>(null);
  const problem = "problem" in parsed ? parsed.problem : undefined;
  const problemId = useId();

  const take = (files: File[]) => {
    if ("problem" in parsed) return;
    add(files, { owner: owner.trim() || undefined, labels: parsed.labels });
  };

  return (
    <>
      <DropZone onFiles={take}>
        <Icon name="upload" />
        <p>Drop video or audio files here</p>
        <button type="button" className="button primary" disabled={problem !== undefined} onClick={() => input.current?.click()}>
          Choose files
        </button>
        <input
          ref={input}
          type="file"
          multiple
          hidden
          aria-label="Files to upload"
          onChange={(event) => {
            take([...(event.target.files ?? [])]);
            event.target.value = "";
          }}
        />
      </DropZone>
      <details className="upload-details">
        <summary>Owner and labels for the next files</summary>
        <div className="fields">
          <label className="field">
            Owner
            <input value={owner} placeholder="default" onChange={(event) => setOwner(event.target.value)} />
          </label>
          <label className="field">
            Labels
            <input
              value={labels}
              placeholder="campaign=spring, source=phone"
              aria-invalid={problem !== undefined}
              aria-describedby={problem === undefined ? undefined : problemId}
              onChange={(event) => setLabels(event.target.value)}
            />
          </label>
        </div>
        {problem !== undefined && (
          <div id={problemId}>
            <Note tone="warn">{problem}</Note>
          </div>
        )}
      </details>
      {items.length > 0 && <UploadList items={items} onClear={clear} />}
    </>
  );
}
