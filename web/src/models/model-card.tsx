import { Link } from "wouter";
import type { ModelCard, ModelRuns } from "../api/types";
import { CopyButton } from "../components/copy-button";
import { bytes, plural } from "../format/numbers";
import { duration } from "../format/time";
import { analyserName, words } from "../format/words";
import { analyserOn, modelsOf } from "./address";
import { pullCommands } from "./filter";

const TONES: Record<ModelCard["state"], string> = { present: "good", missing: "warn", damaged: "bad" };

interface Props {
  model: ModelCard;
  /** What this server ran of it. */
  runs: ModelRuns;
  /** The video from whose page somebody came: its analysers are linked. */
  video: string | null;
}

/** A model card: what it is for, what it cannot do, where it comes from and what it costs. */
export function ModelCardView({ model, runs, video }: Props) {
  return (
    <li className="card model-card" aria-labelledby={`model-${model.name}`}>
      <header>
        <h2 id={`model-${model.name}`}>{model.name}</h2>
        <span className="chip">{words(model.kind)}</span>
        <span className={`chip status-${model.state === "missing" && model.optional ? "idle" : TONES[model.state]}`}>
          {model.state === "missing" && model.optional ? "Optional, not here" : words(model.state)}
        </span>
      </header>
      <p>{model.summary}</p>
      {model.state !== "present" && <Pull model={model} />}
      <Analysers title="Needed by" names={model.used_by} video={video} />
      <Analysers title="Helps" names={model.helps} video={video} />
      <p className="model-limits">
        <strong>Limits</strong> {model.limits}
      </p>
      <dl className="model-facts">
        <div>
          <dt>Licence</dt>
          <dd title={`Read in ${model.licence_read}`}>{model.licence}</dd>
        </div>
        <div>
          <dt>Size</dt>
          <dd>{bytes(model.size_bytes)}</dd>
        </div>
        <Measured model={model} />
        {runs.count > 0 && (
          <div>
            <dt>Run here</dt>
            <dd title="Since the server began. On the clock: others may have had the processor meanwhile; a batch counts as one.">
              {plural(runs.count, "time")}, {duration(runs.micros / 1000 / runs.count)} each
            </dd>
          </div>
        )}
      </dl>
      {model.accuracy && (
        <p className="model-accuracy">
          <strong>Checked</strong> {model.accuracy.value} <code>{model.accuracy.command}</code>
        </p>
      )}
      <Origin model={model} />
    </li>
  );
}

/** How to get it. */
function Pull({ model }: { model: ModelCard }) {
  const [command = ""] = pullCommands([model]);
  return (
    <p className={`why ${model.state === "damaged" ? "failed" : "degraded"}`}>
      {model.state === "damaged" ? "Its bytes are not those that were agreed on, so it is not loaded. " : "Not here. "}
      Run <code>{command}</code> <CopyButton text={command} what="command" />
    </p>
  );
}

function Analysers({ title, names, video }: { title: string; names: string[]; video: string | null }) {
  if (names.length === 0) return null;
  return (
    <p className="model-analysers">
      <span className="muted">{title}</span>
      {names.map((name) => (
        <Link key={name} href={video === null ? modelsOf(name) : analyserOn(video, name)} className="chip">
          {analyserName(name)}
        </Link>
      ))}
    </p>
  );
}

function Measured({ model: { measured } }: { model: ModelCard }) {
  if (!measured) {
    return (
      <div>
        <dt>Speed</dt>
        <dd className="muted">not measured</dd>
      </div>
    );
  }
  const how = `${measured.machine}, ${plural(measured.threads, "thread")}, ${measured.date}: ${measured.command}`;
  return (
    <>
      {measured.latency.map(({ batch, ms }) => (
        <div key={batch}>
          <dt>{batch === 1 ? "One input" : `Batch of ${batch}`}</dt>
          <dd title={how}>{duration(ms)}</dd>
        </div>
      ))}
      <div>
        <dt>Load</dt>
        <dd title={how}>{duration(measured.load_ms)}</dd>
      </div>
      <div>
        <dt>Memory</dt>
        <dd title={how}>{bytes(measured.memory_bytes)}</dd>
      </div>
    </>
  );
}

/** Packages and files, with the digests that weir compares. */
function Origin({ model }: { model: ModelCard }) {
  const { packages, files, measured } = model;
  return (
    <details>
      <summary>
        {plural(files.length, "file")} from {plural(packages.length, "package")}
      </summary>
      <div className="model-origin">
        <p>
          Licence read in {model.licence_read}.
          {measured && (
            <>
              {" "}
              Measured {measured.date} on {measured.machine} with {plural(measured.threads, "thread")}: <code>{measured.command}</code>
            </>
          )}
        </p>
        <ul>
          {packages.map((each) => (
            <li key={`${each.source} ${each.name}`}>
              <code>
                {each.name} {each.version}
              </code>{" "}
              <span className="muted">{each.source}</span>
            </li>
          ))}
          {files.map((each) => (
            <li key={each.name}>
              <code>{each.name}</code> <span className="muted">{bytes(each.bytes)}</span>
              <code className="digest">{each.sha256}</code>
            </li>
          ))}
        </ul>
      </div>
    </details>
  );
}
