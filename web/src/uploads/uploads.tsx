/** Uploads live beside the pages, so that they go on while others are opened. */

import { createContext, type ReactNode, useCallback, useContext, useEffect, useMemo, useReducer, useRef } from "react";
import { asApiError } from "../api/client";
import { refusal, type Sending, sendFile, type UploadDetails } from "../api/upload";
import { change, startable, type UploadItem } from "./queue";

const AT_ONCE = 2;

interface Uploads {
  items: UploadItem[];
  add: (files: File[], details: UploadDetails) => void;
  cancel: (id: number) => void;
  retry: (id: number) => void;
  /** Takes what has ended off the list. */
  clear: () => void;
}

const Context = createContext<Uploads | undefined>(undefined);

let lastId = 0;

export function UploadsProvider({ children }: { children: ReactNode }) {
  const [items, tell] = useReducer(change, []);
  const sending = useRef(new Map<number, Sending>());

  const begin = useCallback((item: UploadItem) => {
    if (sending.current.has(item.id)) return;
    const refused = refusal(item.file);
    if (refused) {
      tell({ type: "moved", id: item.id, change: { state: "failed", error: refused } });
      return;
    }
    const began = performance.now();
    const one = sendFile(item.file, item.details, (sentBytes) => {
      const seconds = Math.max(0.2, (performance.now() - began) / 1000);
      tell({ type: "moved", id: item.id, change: { sentBytes, rate: sentBytes / seconds } });
    });
    sending.current.set(item.id, one);
    tell({ type: "moved", id: item.id, change: { state: "sending", sentBytes: 0, rate: 0 } });
    one.done
      .then(
        (video) => tell({ type: "moved", id: item.id, change: { state: "stored", video } }),
        (error: unknown) => tell({ type: "moved", id: item.id, change: { state: "failed", error: asApiError(error) } }),
      )
      .finally(() => sending.current.delete(item.id));
  }, []);

  useEffect(() => {
    for (const item of startable(items, AT_ONCE)) begin(item);
  }, [items, begin]);

  useEffect(() => {
    const held = sending.current;
    const warn = (event: BeforeUnloadEvent) => {
      if (held.size > 0) event.preventDefault();
    };
    window.addEventListener("beforeunload", warn);
    return () => {
      window.removeEventListener("beforeunload", warn);
      for (const one of held.values()) one.cancel();
    };
  }, []);

  const uploads = useMemo<Uploads>(
    () => ({
      items,
      add: (files, details) => {
        const added = files.map((file): UploadItem => {
          lastId += 1;
          return { id: lastId, file, details, state: "waiting", sentBytes: 0, rate: 0 };
        });
        tell({ type: "added", items: added });
      },
      cancel: (id) => {
        const one = sending.current.get(id);
        if (one) one.cancel();
        else tell({ type: "removed", id });
      },
      retry: (id) => tell({ type: "moved", id, change: { state: "waiting", error: undefined, sentBytes: 0 } }),
      clear: () => tell({ type: "cleared" }),
    }),
    [items],
  );
  return <Context value={uploads}>{children}</Context>;
}

export function useUploads(): Uploads {
  const uploads = useContext(Context);
  if (!uploads) throw new Error("`useUploads` needs an `UploadsProvider` around it");
  return uploads;
}
