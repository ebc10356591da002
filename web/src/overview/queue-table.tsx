import type { QueueRow } from "../api/types";
import { Empty } from "../components/note";
import { count } from "../format/numbers";
import { duration } from "../format/time";
import { words } from "../format/words";
import { byKind, OPEN_STATES } from "./queue-rows";

/** What waits, what runs and what is dead, per kind of task. */
export function QueueTable({ rows }: { rows: QueueRow[] }) {
  const kinds = byKind(rows);
  if (kinds.length === 0) return <Empty title="Nothing waits and nothing runs." />;
  return (
    <div className="scroll" tabIndex={0} role="region" aria-label="Queue">
      <table>
        <thead>
          <tr>
            <th scope="col">Task</th>
            {OPEN_STATES.map((state) => (
              <th key={state} scope="col" className="number">
                {words(state)}
              </th>
            ))}
            <th scope="col" className="number">
              Oldest
            </th>
          </tr>
        </thead>
        <tbody>
          {kinds.map((row) => (
            <tr key={row.kind}>
              <th scope="row">{words(row.kind)}</th>
              {OPEN_STATES.map((state) => (
                <td key={state} className={state === "dead" && row.counts[state] > 0 ? "number bad" : "number"}>
                  {row.counts[state] === 0 ? <span className="muted">–</span> : count(row.counts[state])}
                </td>
              ))}
              <td className="number">{row.oldestMs === undefined ? <span className="muted">–</span> : duration(row.oldestMs)}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}
