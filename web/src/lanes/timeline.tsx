import { type Ref, type RefObject, useEffect, useImperativeHandle, useLayoutEffect, useMemo, useRef, useState } from "react";
import { Icon } from "../components/icon";
import { percent } from "../format/numbers";
import type { Clock } from "../player/clock";
import { useElementSize } from "../player/use-element-size";
import { changeSettings, useSettings } from "../settings/settings";
import { LaneRow } from "./lane-row";
import { foldClasses, type Lane, neighbour } from "./lanes";
import { scrollAfterZoom, scrollToShow, type View, zoomMax } from "./layout";
import { Playhead } from "./playhead";
import { Ruler } from "./ruler";
import "./lanes.css";

/** What the page's keys do to the lanes. */
export interface TimelineHandle {
  zoom: (by: number) => void;
  fit: () => void;
  jump: (direction: 1 | -1) => void;
}

interface Props {
  lanes: Lane[];
  /** How many objects are left out because the model is not sure enough of them; nothing where there are no objects. */
  hidden: number | undefined;
  durationMs: number;
  clock: Clock;
  ref: Ref<TimelineHandle>;
}

const CLASSES_SHOWN = 6;
const ZOOM_STEP = 1.6;

/** Lanes over one time line: zoom by buttons, keys or Ctrl and wheel; scroll by hand; a click goes there. */
export function Timeline({ lanes, hidden, durationMs, clock, ref }: Props) {
  const scroller = useRef<HTMLDivElement>(null);
  const { width } = useElementSize(scroller);
  const [zoom, setZoom] = useState(1);
  const [left, setLeft] = useState(0);
  const [all, setAll] = useState(false);
  const [chosen, setChosen] = useState<string>();
  const pending = useRef<number | undefined>(undefined);
  const { shown, folded } = useMemo(() => foldClasses(lanes, all ? Number.POSITIVE_INFINITY : CLASSES_SHOWN), [lanes, all]);
  const most = zoomMax(durationMs, width);
  const whole = width * zoom;
  const view: View = { scale: durationMs > 0 ? whole / durationMs : 0, left, width };

  const zoomAt = (by: number, anchor?: number) => {
    const element = scroller.current;
    if (!element || width === 0) return;
    const next = Math.min(most, Math.max(1, zoom * by));
    if (next === zoom) return;
    const playhead = (clock.nowMs() / durationMs) * whole - element.scrollLeft;
    const fixed = anchor ?? (playhead >= 0 && playhead <= width ? playhead : width / 2);
    pending.current = scrollAfterZoom(element.scrollLeft, fixed, zoom, next);
    setZoom(next);
  };
  // The scroll position can only be set once the content has its new width.
  useLayoutEffect(() => {
    if (pending.current === undefined || !scroller.current) return;
    scroller.current.scrollLeft = pending.current;
    pending.current = undefined;
    setLeft(scroller.current.scrollLeft);
  }, [zoom]);

  useWheelZoom(scroller, zoomAt);
  useFollow(scroller, clock, view);

  const jump = (direction: 1 | -1) => {
    const lane = shown.find((each) => each.id === chosen) ?? shown[0];
    const next = lane && neighbour(lane.items, clock.nowMs(), direction);
    if (next) clock.seekMs(next.start);
  };
  useImperativeHandle(ref, () => ({ zoom: zoomAt, fit: () => zoomAt(1 / zoom), jump }));

  const empty = shown.every((lane) => lane.items.length === 0);
  return (
    <section className="card timeline" aria-labelledby="timeline-heading">
      <header className="card-head">
        <h2 id="timeline-heading">Timeline</h2>
        {hidden !== undefined && <Sureness hidden={hidden} />}
        <Zoom zoom={zoom} most={most} onZoom={zoomAt} />
      </header>
      <div className="timeline-body">
        <div className="lane-names">
          <div className="ruler-name" />
          {shown.map((lane) => (
            <button
              key={lane.id}
              type="button"
              className={`lane-name colour-${lane.colour}${lane.kind === "spans" && lane.rows.length > 1 ? " stacked" : ""}`}
              style={{ "--rows": lane.rows.length }}
              aria-pressed={lane.id === chosen}
              title={`${lane.title}: choose this lane for the keys N and P`}
              onClick={() => setChosen(lane.id === chosen ? undefined : lane.id)}
            >
              <i aria-hidden="true" />
              <span>{lane.title}</span>
              <small>{lane.items.length}</small>
            </button>
          ))}
        </div>
        <div
          ref={scroller}
          className="lanes"
          role="region"
          aria-label="Lanes. The same findings are in the lists as buttons."
          tabIndex={0}
          onScroll={(event) => setLeft(event.currentTarget.scrollLeft)}
        >
          <div className="lanes-whole" style={{ width: whole }}>
            <Ruler view={view} durationMs={durationMs} onSeek={(ms) => clock.seekMs(ms)} />
            {width > 0 && shown.map((lane) => <LaneRow key={lane.id} lane={lane} view={view} clock={clock} chosen={lane.id === chosen} />)}
            <Playhead clock={clock} scale={view.scale} />
          </div>
        </div>
      </div>
      {empty && <p className="muted lanes-empty">Nothing was found to show here.</p>}
      {(folded > 0 || all) && (
        <button type="button" className="button quiet small" onClick={() => setAll(!all)}>
          {all ? "Show fewer classes" : `Show ${folded} more ${folded === 1 ? "class" : "classes"}`}
        </button>
      )}
    </section>
  );
}

const SURENESS = [0, 0.4, 0.5, 0.6, 0.8];

/** How sure the model must be of objects for them to be shown; says how many are not. */
function Sureness({ hidden }: { hidden: number }) {
  const { objectsFrom } = useSettings();
  return (
    <label className="sureness">
      <span className="muted">{hidden > 0 && `${hidden} unsure hidden`}</span>
      <select aria-label="Objects shown" value={objectsFrom} onChange={(event) => changeSettings({ objectsFrom: Number(event.target.value) })}>
        {SURENESS.map((from) => (
          <option key={from} value={from}>
            {from === 0 ? "All objects" : `Objects from ${percent(from)}`}
          </option>
        ))}
      </select>
    </label>
  );
}

function Zoom({ zoom, most, onZoom }: { zoom: number; most: number; onZoom: (by: number) => void }) {
  return (
    <div className="row tight" role="group" aria-label="Zoom">
      <button type="button" className="icon-button" aria-label="Zoom out" disabled={zoom <= 1} onClick={() => onZoom(1 / ZOOM_STEP)}>
        <Icon name="minus" />
      </button>
      <button type="button" className="icon-button" aria-label="Zoom in" disabled={zoom >= most} onClick={() => onZoom(ZOOM_STEP)}>
        <Icon name="plus" />
      </button>
      <button type="button" className="icon-button" aria-label="Show everything" disabled={zoom <= 1} onClick={() => onZoom(1 / zoom)}>
        <Icon name="fit" />
      </button>
    </div>
  );
}

/** Ctrl (or ⌘) and wheel, and pinching, zoom around the pointer; the plain wheel keeps scrolling the page. */
function useWheelZoom(scroller: RefObject<HTMLDivElement | null>, zoomAt: (by: number, anchor: number) => void): void {
  const latest = useRef(zoomAt);
  useEffect(() => {
    latest.current = zoomAt;
  });
  useEffect(() => {
    const element = scroller.current;
    if (!element) return;
    const wheel = (event: WheelEvent) => {
      if (!event.ctrlKey && !event.metaKey) return;
      event.preventDefault();
      latest.current(Math.exp(-event.deltaY / 300), event.clientX - element.getBoundingClientRect().left);
    };
    element.addEventListener("wheel", wheel, { passive: false });
    return () => element.removeEventListener("wheel", wheel);
  }, [scroller]);
}

/** Keeps the playhead in view while it moves by itself or jumps; scrolling by hand in a pause is left alone. */
function useFollow(scroller: RefObject<HTMLDivElement | null>, clock: Clock, view: View): void {
  const latest = useRef(view);
  useEffect(() => {
    latest.current = view;
  });
  useEffect(() => {
    let before = clock.nowMs();
    return clock.subscribe(() => {
      const now = clock.nowMs();
      if (now === before) return;
      before = now;
      const element = scroller.current;
      if (!element || latest.current.scale === 0) return;
      const to = scrollToShow(now * latest.current.scale, element.scrollLeft, latest.current.width);
      if (to !== undefined) element.scrollLeft = to;
    });
  }, [scroller, clock]);
}
