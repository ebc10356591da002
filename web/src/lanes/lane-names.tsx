import { Icon } from "../components/icon";
import type { GroupId } from "./groups";
import type { Lane } from "./lanes";

interface Props {
  groups: { id: GroupId; title: string; /** Lanes in it, folded or not. */ count: number; lanes: Lane[] }[];
  chosen: string | undefined;
  onChoose: (id: string | undefined) => void;
  onFold: (id: GroupId) => void;
}

/** The names beside the lanes: of groups, which fold, and of lanes, which the keys N and P move along. */
export function LaneNames({ groups, chosen, onChoose, onFold }: Props) {
  return (
    <div className="lane-names">
      <div className="ruler-name" />
      {groups.map((group) => {
        const open = group.lanes.length > 0;
        return (
          <div key={group.id} role="group" aria-label={group.title}>
            <button type="button" className="lane-group" aria-expanded={open} title={group.title} onClick={() => onFold(group.id)}>
              <Icon name={open ? "down" : "right"} />
              <span>{group.title}</span>
              <small>{group.count}</small>
            </button>
            {group.lanes.map((lane) => (
              <LaneName key={lane.id} lane={lane} chosen={lane.id === chosen} onChoose={onChoose} />
            ))}
          </div>
        );
      })}
    </div>
  );
}

function LaneName({ lane, chosen, onChoose }: { lane: Lane; chosen: boolean; onChoose: (id: string | undefined) => void }) {
  const shape = `lane-name colour-${lane.colour}${lane.kind === "spans" && lane.rows.length > 1 ? " stacked" : ""}`;
  if (lane.curve || lane.strip) {
    return (
      <div className={shape} style={{ "--rows": 1 }}>
        <i aria-hidden="true" />
        <span title={lane.title}>{lane.title}</span>
      </div>
    );
  }
  const about = lane.guess ? `${lane.title}: a guess that decides nothing. ` : `${lane.title}: `;
  return (
    <button
      type="button"
      className={shape}
      style={{ "--rows": lane.rows.length }}
      aria-pressed={chosen}
      title={`${about}choose this lane for the keys N and P`}
      onClick={() => onChoose(chosen ? undefined : lane.id)}
    >
      <i aria-hidden="true" />
      <span>{lane.title}</span>
      {lane.guess && (
        <abbr className="guess-sign" title="A guess that decides nothing">
          ≈<span className="hidden-text"> a guess</span>
        </abbr>
      )}
      <small>{lane.items.length}</small>
    </button>
  );
}
