import { useEffect, useRef, useState } from "react";
import type { Decision, VideoStatus } from "../api/types";
import type { VideoFilter } from "../api/videos";
import { Icon } from "../components/icon";
import { DECISION_WORDS, STATUS_WORDS } from "../format/words";
import type { FilterName } from "./filter";

interface Props {
  filter: VideoFilter;
  onChange: (name: FilterName, value: string) => void;
  onClear: () => void;
}

const TYPING_MS = 300;

/** What the list is narrowed to. Text takes effect after a pause, choices at once. */
export function FilterBar({ filter, onChange, onClear }: Props) {
  const narrowed = Object.keys(filter).length > 0;
  const more = Boolean(filter.owner || filter.label || filter.since || filter.until);
  return (
    <form className="filters" role="search" aria-label="Filter videos" onSubmit={(event) => event.preventDefault()}>
      <div className="filter-main">
        <div className="filter-title">
          <Icon name="search" />
          <TextField id="filter" label="Title" placeholder="Filter by title" value={filter.title ?? ""} onSettled={(value) => onChange("title", value)} />
        </div>
        <Choice label="Status" value={filter.status ?? ""} words={STATUS_WORDS} onChange={(value) => onChange("status", value)} />
        <Choice label="Decision" value={filter.decision ?? ""} words={DECISION_WORDS} onChange={(value) => onChange("decision", value)} />
        {narrowed && (
          <button type="button" className="button quiet" onClick={onClear}>
            Clear
          </button>
        )}
      </div>
      <details className="filter-more" open={more || undefined}>
        <summary>Owner, label, time</summary>
        <div className="fields">
          <label className="field">
            Owner
            <TextField value={filter.owner ?? ""} onSettled={(value) => onChange("owner", value)} />
          </label>
          <label className="field">
            Label
            <TextField placeholder="name=value" value={filter.label ?? ""} onSettled={(value) => onChange("label", value)} />
          </label>
          <label className="field">
            From day
            <input type="date" value={filter.since ?? ""} onChange={(event) => onChange("since", event.target.value)} />
          </label>
          <label className="field">
            To day
            <input type="date" value={filter.until ?? ""} onChange={(event) => onChange("until", event.target.value)} />
          </label>
        </div>
      </details>
    </form>
  );
}

interface TextFieldProps {
  value: string;
  onSettled: (value: string) => void;
  id?: string;
  label?: string;
  placeholder?: string;
}

/** Keeps what is typed to itself until there is a pause; a value from outside (back, clear) takes its place. */
function TextField({ value, onSettled, id, label, placeholder }: TextFieldProps) {
  const [typed, setTyped] = useState(value);
  const [known, setKnown] = useState(value);
  const timer = useRef<ReturnType<typeof setTimeout> | undefined>(undefined);
  if (known !== value) {
    setKnown(value);
    if (typed.trim() !== value) setTyped(value);
  }
  useEffect(() => () => clearTimeout(timer.current), []);
  return (
    <input
      id={id}
      type="search"
      aria-label={label}
      placeholder={placeholder}
      value={typed}
      onChange={(event) => {
        const next = event.target.value;
        setTyped(next);
        clearTimeout(timer.current);
        timer.current = setTimeout(() => onSettled(next), TYPING_MS);
      }}
    />
  );
}

interface ChoiceProps {
  label: string;
  value: string;
  words: Record<VideoStatus, string> | Record<Decision, string>;
  onChange: (value: string) => void;
}

function Choice({ label, value, words, onChange }: ChoiceProps) {
  return (
    <select aria-label={label} value={value} onChange={(event) => onChange(event.target.value)}>
      <option value="">Any {label.toLowerCase()}</option>
      {Object.entries(words).map(([each, word]) => (
        <option key={each} value={each}>
          {word}
        </option>
      ))}
    </select>
  );
}
