import { type ReactNode, useState } from "react";
import { asApiError } from "../api/client";
import { Dialog } from "./dialog";
import { Note } from "./note";

interface Props {
  title: string;
  /** What the confirming button says: the act, not "OK". */
  act: string;
  tone?: "danger" | "primary";
  /** The dialog stays open, with the problem, when this fails. */
  onConfirm: () => Promise<void>;
  onClose: () => void;
  children: ReactNode;
}

/** Asks before something is done, and shows why it did not work. */
export function Confirm({ title, act, tone = "primary", onConfirm, onClose, children }: Props) {
  const [busy, setBusy] = useState(false);
  const [problem, setProblem] = useState<string>();
  const confirm = async () => {
    setBusy(true);
    setProblem(undefined);
    try {
      await onConfirm();
    } catch (error) {
      setProblem(asApiError(error).message);
      setBusy(false);
    }
  };
  return (
    <Dialog title={title} onClose={onClose}>
      <form
        className="stack"
        onSubmit={(event) => {
          event.preventDefault();
          void confirm();
        }}
      >
        {children}
        {problem !== undefined && <Note tone="bad">{problem}</Note>}
        <div className="row end">
          <button type="button" className="button" onClick={onClose}>
            Cancel
          </button>
          <button type="submit" className={`button ${tone}`} disabled={busy}>
            {act}
          </button>
        </div>
      </form>
    </Dialog>
  );
}
