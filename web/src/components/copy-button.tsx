import { useState } from "react";
import { Icon } from "./icon";

/** Puts a text into the clipboard, and says whether that worked. */
export function CopyButton({ text, what }: { text: string; what: string }) {
  const [state, setState] = useState<"idle" | "done" | "failed">("idle");
  const copy = () => {
    // Without a secure origin there is no clipboard.
    const copied = navigator.clipboard ? navigator.clipboard.writeText(text) : Promise.reject(new Error("no clipboard"));
    copied.then(
      () => setState("done"),
      () => setState("failed"),
    );
  };
  const label = { idle: `Copy the ${what}`, done: `Copied the ${what}`, failed: `The ${what} could not be copied` }[state];
  return (
    <button type="button" className="icon-button small" aria-label={label} title={label} onClick={copy}>
      <Icon name={state === "done" ? "check" : state === "failed" ? "warning" : "copy"} />
    </button>
  );
}
