import { useId, useState } from "react";
import type { Account } from "../api/types";
import { useSession } from "../session/session";
import { changeSettings, type Theme, useSettings } from "../settings/settings";
import { Icon } from "./icon";
import { usePopover } from "./use-popover";

const THEMES: [Theme, string][] = [
  ["system", "System"],
  ["light", "Light"],
  ["dark", "Dark"],
];

/** Who is signed in, with the settings of this browser: a button that opens a panel under it. */
export function AccountMenu({ account, onHelp }: { account: Account; onHelp: () => void }) {
  const { box, button, open, toggle, close } = usePopover();
  const panel = useId();
  return (
    <div className="menu" ref={box}>
      <button
        ref={button}
        type="button"
        className="button quiet"
        aria-expanded={open}
        aria-controls={panel}
        aria-label={`Account and settings: ${account.name}`}
        onClick={toggle}
      >
        <Icon name="user" />
        <span className="wide-only">{account.name}</span>
        <Icon name="down" />
      </button>
      <div className="menu-panel" id={panel} hidden={!open}>
        <p className="menu-who">
          <strong>{account.name}</strong>
          <span className="muted">{account.role}</span>
        </p>
        <Choices />
        <button
          type="button"
          className="menu-item"
          onClick={() => {
            close();
            onHelp();
          }}
        >
          Keyboard help <kbd>?</kbd>
        </button>
        <a className="menu-item" href="/docs">
          API description
        </a>
        <SignOut />
      </div>
    </div>
  );
}

function Choices() {
  const { theme, blurFlagged } = useSettings();
  return (
    <>
      <fieldset className="segmented">
        <legend>Theme</legend>
        {THEMES.map(([value, label]) => (
          <label key={value}>
            <input type="radio" name="theme" checked={theme === value} onChange={() => changeSettings({ theme: value })} />
            <span>{label}</span>
          </label>
        ))}
      </fieldset>
      <label className="check">
        <input type="checkbox" checked={blurFlagged} onChange={(event) => changeSettings({ blurFlagged: event.target.checked })} />
        Blur flagged pictures
      </label>
    </>
  );
}

function SignOut() {
  const { leave } = useSession();
  const [failed, setFailed] = useState(false);
  return (
    <button type="button" className="menu-item" onClick={() => leave().catch(() => setFailed(true))}>
      {failed ? "Sign out (did not work, try again)" : "Sign out"}
    </button>
  );
}
