import { useEffect, useRef } from "react";
import { Link } from "wouter";
import type { AnalyserStatus, AnalysisAnswer } from "../api/types";
import { Empty } from "../components/note";
import { count, plural } from "../format/numbers";
import { duration } from "../format/time";
import { analyserName, words } from "../format/words";
import { analyserAnchor, modelsOf } from "../models/address";

const TONES: Record<AnalyserStatus, string> = { done: "good", degraded: "warn", skipped: "idle", failed: "bad" };

/** Those that a reader must know of come first. */
const ORDER: AnalyserStatus[] = ["failed", "degraded", "skipped", "done"];

/** Who looked, with which model, for how long, what was tried when it went wrong, and what a reader must know of it. */
export function AnalyserTable({ video, analysis }: { video: string; analysis: AnalysisAnswer | undefined }) {
  const list = useRef<HTMLUListElement>(null);
  const rows = Object.entries(analysis?.analysers ?? {}).sort(([, a], [, b]) => ORDER.indexOf(a.status) - ORDER.indexOf(b.status));
  const there = rows.length > 0;
  useEffect(() => {
    if (there) list.current?.querySelector(`[id="${CSS.escape(location.hash.slice(1))}"]`)?.scrollIntoView({ block: "nearest" });
  }, [there]);
  if (!there) return <Empty title="No analyser has ended yet." />;
  return (
    <ul className="analysers" ref={list}>
      {rows.map(([name, result]) => (
        <li key={name} id={analyserAnchor(name)} className={location.hash === `#${analyserAnchor(name)}` ? "asked" : undefined}>
          <header>
            <strong>{analyserName(name)}</strong>
            <Link href={modelsOf(name, video)} aria-label={`Models of ${analyserName(name)}`}>
              Models
            </Link>
            <span className={`chip status-${TONES[result.status]}`}>{words(result.status)}</span>
          </header>
          <p className="muted">
            {result.model && `${result.model} · `}version {result.version} · {plural(result.samples, "sample")} · {plural(result.spans, "span")} · {duration(result.ms)}
          </p>
          {result.reason && <p className={`why ${result.status}`}>{result.reason}</p>}
          {result.recovery && result.recovery.length > 0 && <Recovery steps={result.recovery} />}
          <details>
            <summary>Limits and counts</summary>
            {result.limits && <p className="muted">{result.limits}</p>}
            <Counts counts={result.counts} />
          </details>
        </li>
      ))}
    </ul>
  );
}

/** What was tried after the process of the analyser died, in order. */
function Recovery({ steps }: { steps: string[] }) {
  return (
    <div className="recovery">
      <h4>Recovered in {plural(steps.length, "step")}</h4>
      <ol>
        {steps.map((step, index) => (
          <li key={index}>{step}</li>
        ))}
      </ol>
    </div>
  );
}

function Counts({ counts }: { counts: Record<string, number> }) {
  const held = Object.entries(counts).sort((a, b) => b[1] - a[1]);
  if (held.length === 0) return null;
  return <p className="muted">{held.map(([label, number]) => `${label.replaceAll("_", " ")} ${count(number)}`).join(", ")}</p>;
}
