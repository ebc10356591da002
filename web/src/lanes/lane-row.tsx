import { useCallback, useMemo, useState } from "react";
import { percent } from "../format/numbers";
import { clockTenths } from "../format/time";
import { words } from "../format/words";
import { type Clock, useClock } from "../player/clock";
import { CurveLine, StripLine } from "./lane-series";
import { isThere, type Lane, type LaneItem } from "./lanes";
import { place, type Placed, type View } from "./layout";
import type { LaneKind } from "./recipes";

interface Props {
  lane: Lane;
  view: View;
  clock: Clock;
  chosen: boolean;
}

/** How long a moment counts as now. */
const MOMENT_MS = 400;
const TEXT_WIDTH_MIN = 40;
/** Percent of the lane: a score of nothing can still be pointed at. */
const SCORE_HEIGHT_MIN = 6;

export function LaneRow({ lane, view, clock, chosen }: Props) {
  const [hovered, setHovered] = useState<Placed>();
  const stacked = lane.kind === "spans" && lane.rows.length > 1;
  return (
    <div
      className={`lane ${lane.kind} colour-${lane.colour}${stacked ? " stacked" : ""}${chosen ? " chosen" : ""}`}
      style={{ "--rows": lane.rows.length }}
      aria-hidden="true"
      onClick={(event) => clock.seekMs((event.clientX - event.currentTarget.getBoundingClientRect().left) / view.scale)}
      onPointerLeave={() => setHovered(undefined)}
    >
      {lane.curve && <CurveLine curve={lane.curve} view={view} />}
      {lane.strip && <StripLine strip={lane.strip} view={view} />}
      {lane.rows.map((items, index) => (
        <Line key={index} index={index} items={items} kind={lane.kind} view={view} clock={clock} onHover={setHovered} />
      ))}
      {hovered && <Tip placed={hovered} view={view} guess={lane.guess} />}
    </div>
  );
}

interface LineProps {
  index: number;
  items: LaneItem[];
  kind: LaneKind;
  view: View;
  clock: Clock;
  onHover: (placed: Placed) => void;
}

function Line({ index, items, kind, view, clock, onHover }: LineProps) {
  const placed = useMemo(() => place(items, { scale: view.scale, left: view.left, width: view.width }), [items, view.scale, view.left, view.width]);
  const current = useClock(
    clock,
    useCallback((ms: number) => items.findLastIndex((item) => isThere(item, ms, MOMENT_MS)), [items]),
  );
  const now = items[current];
  return (
    <div className="lane-line" style={{ "--index": index }}>
      {placed.map((each) => (
        <div
          key={`${each.item.start} ${each.x}`}
          className={`finding${now && stands(each, now) ? " current" : ""}${each.item.colour === undefined ? "" : ` colour-${each.item.colour}`}`}
          data-start={each.item.start}
          style={{
            left: each.x,
            width: each.width,
            height: kind === "score" ? `${Math.max(SCORE_HEIGHT_MIN, each.height * 100)}%` : undefined,
          }}
          onClick={(event) => {
            event.stopPropagation();
            clock.seekMs(each.item.start);
          }}
          onPointerEnter={() => onHover(each)}
        >
          {kind === "text" && each.count === 1 && each.width >= TEXT_WIDTH_MIN && <span>{each.item.text}</span>}
        </div>
      ))}
    </div>
  );
}

/** Whether what is drawn is, or holds, the item. */
function stands(placed: Placed, item: LaneItem): boolean {
  return placed.item === item || (placed.count > 1 && placed.item.start <= item.start && item.end <= placed.end);
}

const TIP_WIDTH = 280;

/** What lies under the pointer, in words. */
function Tip({ placed, view, guess }: { placed: Placed; view: View; guess: boolean }) {
  const { item, count } = placed;
  const left = Math.min(Math.max(placed.x, view.left), view.left + view.width - TIP_WIDTH);
  const time = placed.end > item.start ? `${clockTenths(item.start)} – ${clockTenths(placed.end)}` : clockTenths(item.start);
  return (
    <div className="tip" style={{ left: Math.max(0, left), maxWidth: TIP_WIDTH }}>
      <strong>{count > 1 ? `${count} findings` : words(item.label)}</strong> {time}
      {count === 1 && item.confidence < 1 && <span> · {percent(item.confidence)} sure</span>}
      {count === 1 && item.text && <p>{item.text}</p>}
      {guess && <p>A guess. It decides nothing.</p>}
    </div>
  );
}
