import { useState } from "react";
import { cancelTask, retryTask } from "../api/overview";
import { asApiError } from "../api/client";
import type { Task, TaskState } from "../api/types";
import { Empty, Note } from "../components/note";
import { RelativeTime } from "../components/relative-time";
import { percent } from "../format/numbers";
import { duration } from "../format/time";
import { words } from "../format/words";
import { useMay } from "../session/session";
import { batches, gantt, type GanttRow, workedMs } from "./gantt";

const TONES: Record<TaskState, string> = { waiting: "idle", ready: "idle", running: "busy", done: "good", dead: "bad", cancelled: "warn" };

/** What was done for this video: a bar per attempt over one time line per batch, with errors in words. */
export function TaskHistory({ tasks, onChanged }: { tasks: Task[]; onChanged: () => void }) {
  const groups = batches(tasks);
  return (
    <section className="card tasks" aria-labelledby="tasks-heading">
      <header className="card-head">
        <h2 id="tasks-heading">Tasks</h2>
      </header>
      {groups.length === 0 && <Empty title="No tasks yet." />}
      {groups.map((group) => (
        <Batch key={group[0]?.id} tasks={group} onChanged={onChanged} />
      ))}
    </section>
  );
}

function Batch({ tasks, onChanged }: { tasks: Task[]; onChanged: () => void }) {
  const { rows, span } = gantt(tasks, Date.now());
  return (
    <div className="batch">
      <p className="muted">
        <RelativeTime at={tasks[0]?.created_at ?? ""} /> · {duration(span)} from first to last
      </p>
      <ul className="gantt">
        {rows.map((row) => (
          <Row key={row.task.id} row={row} span={span} onChanged={onChanged} />
        ))}
      </ul>
    </div>
  );
}

function Row({ row, span, onChanged }: { row: GanttRow; span: number; onChanged: () => void }) {
  const { task, bars } = row;
  const worked = workedMs(row);
  return (
    <li>
      <span className="gantt-name">{words(task.kind)}</span>
      <div className="gantt-line" aria-hidden="true">
        {bars.map((bar) => (
          <span
            key={`${bar.from} ${bar.tone}`}
            className={`bar-${bar.tone}`}
            title={`${bar.title}, ${duration(bar.to - bar.from)}`}
            style={{ left: `min(${(bar.from / span) * 100}%, 100% - 2px)`, width: `${((bar.to - bar.from) / span) * 100}%` }}
          />
        ))}
      </div>
      <span className="gantt-time">{worked > 0 && duration(worked)}</span>
      <span className={`chip status-${TONES[task.state]}`}>
        {task.state === "running" ? `${percent(task.progress)}${task.step ? ` ${task.step}` : ""}` : words(task.state)}
      </span>
      <TaskButton task={task} onChanged={onChanged} />
      {problemsOf(task).map((each) => (
        <p key={each} className="gantt-error">
          {each}
        </p>
      ))}
    </li>
  );
}

/** What went wrong in the attempts; of a task that was never tried, what the row says. */
function problemsOf(task: Task): string[] {
  const told = task.attempts.flatMap((each) => (each.error ? [`Attempt ${each.attempt} of ${task.max_attempts}: ${each.error}`] : []));
  if (told.length > 0) return told;
  return task.error && task.state !== "done" ? [task.error] : [];
}

function TaskButton({ task, onChanged }: { task: Task; onChanged: () => void }) {
  const may = useMay("operator");
  const [problem, setProblem] = useState<string>();
  const again = task.state === "dead" || task.state === "cancelled";
  if (!may || task.state === "done") return null;
  const act = async () => {
    setProblem(undefined);
    try {
      await (again ? retryTask(task.id) : cancelTask(task.id));
      onChanged();
    } catch (error) {
      setProblem(asApiError(error).message);
    }
  };
  return (
    <>
      <button type="button" className="button small" aria-label={`${again ? "Run again" : "Cancel"}: ${task.kind}`} onClick={() => void act()}>
        {again ? "Run again" : "Cancel"}
      </button>
      {problem !== undefined && <Note tone="bad">{problem}</Note>}
    </>
  );
}
