/** Who is signed in, for every component. */

import { createContext, type ReactNode, useCallback, useContext, useEffect, useMemo, useState } from "react";
import { type ApiError, asApiError, onSignedOut, setCsrf } from "../api/client";
import { feed } from "../api/event-feed";
import { signIn, signOut, whoAmI } from "../api/session";
import type { Account, Me, Role } from "../api/types";

export type SessionState =
  | { phase: "asking" }
  | { phase: "out" }
  | { phase: "in"; account: Account }
  | { phase: "unreachable"; error: ApiError };

interface Session {
  state: SessionState;
  /** Signs in; throws an `ApiError` when the server refuses. */
  enter: (name: string, password: string) => Promise<void>;
  leave: () => Promise<void>;
  /** Asks the server again who is signed in. */
  ask: () => void;
}

const Context = createContext<Session | undefined>(undefined);

const ORDER: Role[] = ["viewer", "reviewer", "operator", "admin"];

/** Whether `role` includes `needed`. */
export function includes(role: Role, needed: Role): boolean {
  return ORDER.indexOf(role) >= ORDER.indexOf(needed);
}

export function SessionProvider({ children }: { children: ReactNode }) {
  const [state, setState] = useState<SessionState>({ phase: "asking" });
  const [round, setRound] = useState(0);

  const admit = useCallback((me: Me) => {
    setCsrf(me.csrf ?? "");
    setState({ phase: "in", account: me.account });
  }, []);

  useEffect(() => {
    const stop = new AbortController();
    whoAmI(stop.signal).then(admit, (error: unknown) => {
      if (stop.signal.aborted) return;
      const failed = asApiError(error);
      setState(failed.status === 401 ? { phase: "out" } : { phase: "unreachable", error: failed });
    });
    return () => stop.abort();
  }, [round, admit]);

  useEffect(() => {
    onSignedOut(() => setState({ phase: "out" }));
  }, []);

  const signedIn = state.phase === "in";
  useEffect(() => {
    if (!signedIn) return;
    feed.start();
    return () => feed.stop();
  }, [signedIn]);

  const session = useMemo<Session>(
    () => ({
      state,
      enter: async (name, password) => admit(await signIn(name, password)),
      leave: async () => {
        await signOut();
        setCsrf("");
        setState({ phase: "out" });
      },
      ask: () => {
        setState({ phase: "asking" });
        setRound((n) => n + 1);
      },
    }),
    [state, admit],
  );
  return <Context value={session}>{children}</Context>;
}

export function useSession(): Session {
  const session = useContext(Context);
  if (!session) throw new Error("`useSession` needs a `SessionProvider` around it");
  return session;
}

/** Whether who is signed in may do what `needed` may. */
export function useMay(needed: Role): boolean {
  const { state } = useSession();
  return state.phase === "in" && includes(state.account.role, needed);
}
