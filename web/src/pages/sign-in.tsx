import { useEffect, useState } from "react";
import { asApiError } from "../api/client";
import { Note } from "../components/note";
import { useTitle } from "../components/use-title";
import { useSession } from "../session/session";

/** Stays on the address that was asked for, so that signing in leads there. */
export function SignInPage() {
  const { enter } = useSession();
  const [name, setName] = useState("");
  const [password, setPassword] = useState("");
  const [busy, setBusy] = useState(false);
  const [problem, setProblem] = useState<string>();
  useTitle("Sign in");
  useEffect(() => document.getElementById("name")?.focus(), []);

  const submit = async () => {
    setBusy(true);
    setProblem(undefined);
    try {
      await enter(name, password);
    } catch (error) {
      setProblem(words(asApiError(error).status, asApiError(error).message));
      setBusy(false);
    }
  };

  return (
    <main className="door">
      <form
        className="card sign-in"
        onSubmit={(event) => {
          event.preventDefault();
          void submit();
        }}
      >
        <h1>Sign in to weir</h1>
        <label className="field">
          Name
          <input id="name" autoComplete="username" required value={name} onChange={(event) => setName(event.target.value)} />
        </label>
        <label className="field">
          Password
          <input
            type="password"
            autoComplete="current-password"
            required
            value={password}
            onChange={(event) => setPassword(event.target.value)}
          />
        </label>
        {problem !== undefined && <Note tone="bad">{problem}</Note>}
        <button type="submit" className="button primary" disabled={busy}>
          {busy ? "Signing in" : "Sign in"}
        </button>
      </form>
    </main>
  );
}

function words(status: number, message: string): string {
  if (status === 401) return "Name or password is wrong.";
  if (status === 429) return "Too many attempts. Wait a few minutes and try again.";
  return message;
}
