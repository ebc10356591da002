import { type Ref, useImperativeHandle, useMemo, useState } from "react";
import { Icon } from "../components/icon";
import { percent } from "../format/numbers";
import type { Clock } from "../player/clock";
import { changeSettings, useSettings } from "../settings/settings";
import { byGroup, GROUPS, refold } from "./groups";
import { LaneNames } from "./lane-names";
import { LaneRow } from "./lane-row";
import { foldClasses, type Lane, neighbour } from "./lanes";
import { Playhead } from "./playhead";
import { Ruler } from "./ruler";
import { useScroller } from "./use-scroller";
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

/** Lanes over one time line, in groups that fold: zoom by buttons, keys or Ctrl and wheel; scroll by hand; a click goes there. */
export function Timeline({ lanes, hidden, durationMs, clock, ref }: Props) {
  const [all, setAll] = useState(false);
  const [chosen, setChosen] = useState<string>();
  const { foldedGroups } = useSettings();
  const { shown, folded } = useMemo(() => foldClasses(lanes, all ? Number.POSITIVE_INFINITY : CLASSES_SHOWN), [lanes, all]);
  const groups = useMemo(
    () => byGroup(shown).map((group) => ({ ...group, count: group.lanes.length, lanes: foldedGroups.includes(group.id) ? [] : group.lanes })),
    [shown, foldedGroups],
  );
  const { box, view, whole, zoom, most, zoomBy, scrolled } = useScroller(durationMs, clock);
  const open = groups.flatMap((group) => group.lanes);

  const jump = (direction: 1 | -1) => {
    const lane = open.find((each) => each.id === chosen) ?? open.find((each) => each.items.length > 0);
    const next = lane && neighbour(lane.items, clock.nowMs(), direction);
    if (next) clock.seekMs(next.start);
  };
  useImperativeHandle(ref, () => ({ zoom: zoomBy, fit: () => zoomBy(1 / zoom), jump }));

  return (
    <section className="card timeline" aria-labelledby="timeline-heading">
      <header className="card-head">
        <h2 id="timeline-heading">Timeline</h2>
        {hidden !== undefined && <Sureness hidden={hidden} />}
        <FoldAll ids={groups.map((group) => group.id)} folded={foldedGroups} />
        <Zoom zoom={zoom} most={most} onZoom={zoomBy} />
      </header>
      <div className="timeline-body">
        <LaneNames
          groups={groups}
          chosen={chosen}
          onChoose={setChosen}
          onFold={(id) => changeSettings({ foldedGroups: refold(foldedGroups, id) })}
        />
        <div
          ref={box}
          className="lanes"
          role="region"
          aria-label="Lanes. The same findings are in the lists as buttons."
          tabIndex={0}
          onScroll={(event) => scrolled(event.currentTarget.scrollLeft)}
        >
          <div className="lanes-whole" style={{ width: whole }}>
            <Ruler view={view} durationMs={durationMs} onSeek={(ms) => clock.seekMs(ms)} />
            {view.width > 0 &&
              groups.map((group) => (
                <div key={group.id}>
                  <div className="lane-group-line" aria-hidden="true" />
                  {group.lanes.map((lane) => (
                    <LaneRow key={lane.id} lane={lane} view={view} clock={clock} chosen={lane.id === chosen} />
                  ))}
                </div>
              ))}
            <Playhead clock={clock} scale={view.scale} />
          </div>
        </div>
      </div>
      {lanes.length === 0 && <p className="muted lanes-empty">Nothing was found to show here.</p>}
      {(folded > 0 || all) && (
        <button type="button" className="button quiet small" onClick={() => setAll(!all)}>
          {all ? "Show fewer classes" : `Show ${folded} more ${folded === 1 ? "class" : "classes"}`}
        </button>
      )}
    </section>
  );
}

/** Folds every group, or unfolds them. Groups that this video does not have keep their state. */
function FoldAll({ ids, folded }: { ids: string[]; folded: readonly string[] }) {
  if (ids.length < 2) return null;
  const some = ids.some((id) => !folded.includes(id));
  const others = GROUPS.map((group) => group.id as string).filter((id) => folded.includes(id) && !ids.includes(id));
  return (
    <button type="button" className="button quiet small" onClick={() => changeSettings({ foldedGroups: some ? [...others, ...ids] : others })}>
      {some ? "Fold all" : "Unfold all"}
    </button>
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
