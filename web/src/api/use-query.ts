/** A request as state of a component: loading, then data or an error; reloading keeps what is shown. */

import { useCallback, useEffect, useRef, useState } from "react";
import { type ApiError, asApiError } from "./client";

export interface QueryState<T> {
  data: T | undefined;
  error: ApiError | undefined;
  /** True until the first answer for this key. */
  loading: boolean;
  /** Asks again; what is there stays until the answer comes. */
  reload: () => void;
}

interface Held<T> {
  key: string | null;
  data: T | undefined;
  error: ApiError | undefined;
}

/**
 * Asks when `key` changes and when `reload` is called. A `null` key asks nothing. `ask` may change with every render: the
 * latest is used.
 */
export function useQuery<T>(key: string | null, ask: (signal: AbortSignal) => Promise<T>): QueryState<T> {
  const [held, setHeld] = useState<Held<T>>({ key: null, data: undefined, error: undefined });
  const [round, setRound] = useState(0);
  const latest = useRef(ask);
  useEffect(() => {
    latest.current = ask;
  });

  useEffect(() => {
    if (key === null) return;
    const stop = new AbortController();
    latest.current(stop.signal).then(
      (data) => {
        if (!stop.signal.aborted) setHeld({ key, data, error: undefined });
      },
      (error: unknown) => {
        if (stop.signal.aborted) return;
        setHeld((before) => ({ key, data: before.key === key ? before.data : undefined, error: asApiError(error) }));
      },
    );
    return () => stop.abort();
  }, [key, round]);

  const reload = useCallback(() => setRound((n) => n + 1), []);
  const current = held.key === key;
  return {
    data: current ? held.data : undefined,
    error: current ? held.error : undefined,
    loading: key !== null && !current,
    reload,
  };
}
