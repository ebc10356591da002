import type { AnalyserStatus, AnalysisAnswer } from "../api/types";
import { Empty } from "../components/note";
import { count } from "../format/numbers";
import { duration } from "../format/time";
import { analyserName, words } from "../format/words";

const TONES: Record<AnalyserStatus, string> = { done: "good", degraded: "warn", skipped: "idle", failed: "bad" };

/** Who looked, with which model, for how long, and what a reader must know of it. */
export function AnalyserTable({ analysis }: { analysis: AnalysisAnswer | undefined }) {
  const rows = Object.entries(analysis?.analysers ?? {});
  if (rows.length === 0) return <Empty title="No analyser has ended yet." />;
  return (
    <ul className="analysers">
      {rows.map(([name, result]) => (
        <li key={name}>
          <header>
            <strong>{analyserName(name)}</strong>
            <span className={`chip status-${TONES[result.status]}`}>{words(result.status)}</span>
          </header>
          <p className="muted">
            {result.model && `${result.model} · `}version {result.version} · {count(result.samples)} samples · {duration(result.ms)}
          </p>
          {result.reason && <p>{result.reason}</p>}
          {result.limits && <p className="muted">{result.limits}</p>}
        </li>
      ))}
    </ul>
  );
}
