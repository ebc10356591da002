import { type KeyboardEvent, type ReactNode, useId, useState } from "react";

export interface Tab {
  id: string;
  title: string;
  /** How many things are under it. */
  count?: number | undefined;
  body: () => ReactNode;
}

const MOVES: Record<string, (index: number, length: number) => number> = {
  ArrowRight: (index, length) => (index + 1) % length,
  ArrowLeft: (index, length) => (index - 1 + length) % length,
  Home: () => 0,
  End: (_, length) => length - 1,
};

/** Tabs as the ARIA practices describe them: one stop for the keyboard, arrows between them. */
export function Tabs({ tabs, label, first }: { tabs: Tab[]; label: string; /** The one that is open at first. */ first?: string | undefined }) {
  const [chosen, setChosen] = useState(first);
  const id = useId();
  const active = tabs.find((tab) => tab.id === chosen) ?? tabs[0];
  if (!active) return null;
  const press = (event: KeyboardEvent<HTMLElement>) => {
    const move = MOVES[event.key];
    if (!move) return;
    event.preventDefault();
    const next = tabs[move(tabs.indexOf(active), tabs.length)];
    if (!next) return;
    setChosen(next.id);
    document.getElementById(`${id}-${next.id}`)?.focus();
  };
  return (
    <>
      <div className="tabs" role="tablist" aria-label={label} onKeyDown={press}>
        {tabs.map((tab) => (
          <button
            key={tab.id}
            type="button"
            role="tab"
            id={`${id}-${tab.id}`}
            aria-selected={tab === active}
            aria-controls={`${id}-panel`}
            tabIndex={tab === active ? 0 : -1}
            onClick={() => setChosen(tab.id)}
          >
            {tab.title}
            {tab.count !== undefined && <small>{tab.count}</small>}
          </button>
        ))}
      </div>
      <div className="findings-body" role="tabpanel" id={`${id}-panel`} aria-labelledby={`${id}-${active.id}`} tabIndex={0}>
        {active.body()}
      </div>
    </>
  );
}
