import { Link } from "wouter";
import type { Decision } from "../api/types";
import { count, percent } from "../format/numbers";
import { DECISION_WORDS } from "../format/words";

const ORDER: Decision[] = ["harmful", "review", "unknown", "safe", "pending"];

/** How many videos were decided how, as one bar and as numbers that lead to the videos. */
export function VerdictMix({ counts }: { counts: Record<string, number> }) {
  const all = ORDER.reduce((sum, decision) => sum + (counts[decision] ?? 0), 0);
  const share = (decision: Decision) => (all === 0 ? 0 : (counts[decision] ?? 0) / all);
  return (
    <div className="mix">
      <div className="mix-bar" aria-hidden="true">
        {ORDER.filter((decision) => share(decision) > 0).map((decision) => (
          <span key={decision} className={`decision-${decision}`} style={{ flexGrow: share(decision) }} />
        ))}
      </div>
      <ul className="mix-list">
        {ORDER.map((decision) => (
          <li key={decision}>
            <Link href={`/library?decision=${decision}`} className={`decision-${decision}`}>
              <i aria-hidden="true" />
              <span>{DECISION_WORDS[decision]}</span>
              <strong>{count(counts[decision] ?? 0)}</strong>
              <span className="muted">{percent(share(decision))}</span>
            </Link>
          </li>
        ))}
      </ul>
    </div>
  );
}
