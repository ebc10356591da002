import { useMemo } from "react";
import { Link, useSearchParams } from "wouter";
import { models } from "../api/models";
import type { ModelsAnswer } from "../api/types";
import { useQuery } from "../api/use-query";
import { Empty, Failure, Loading, Note } from "../components/note";
import { useTitle } from "../components/use-title";
import { bytes, plural } from "../format/numbers";
import { analyserName, words } from "../format/words";
import { analyserOn } from "../models/address";
import { CacheTable } from "../models/cache-table";
import { analysersOf, type ModelFilter, modelFilterOf, narrowed, pullCommands, runsOf, withModelFilter, withoutModelFilter } from "../models/filter";
import { ModelCardView } from "../models/model-card";
import "../models/models.css";

/** Every file that weir loads but does not ship: what it is, what it cannot do, and whether it is here. */
export function ModelsPage() {
  useTitle("Models");
  const { data, error, loading, reload } = useQuery("models", models);
  return (
    <div className="page">
      <header className="page-head">
        <h1>Models</h1>
        {data && <p className="muted">{totals(data)}</p>}
      </header>
      <Back />
      {error && <Failure error={error} onRetry={reload} />}
      {loading && <Loading rows={6} label="Loading the models" />}
      {data && (data.items.length === 0 ? <Empty title="This server knows no models." /> : <Parts data={data} />)}
    </div>
  );
}

function totals({ items }: ModelsAnswer): string {
  const here = items.filter((each) => each.state === "present");
  return `${here.length} of ${items.length} here, ${bytes(here.reduce((sum, each) => sum + each.size_bytes, 0))}`;
}

/** Back to the analyser of the video from whose page somebody came. */
function Back() {
  const [params] = useSearchParams();
  const [video, analyser] = [params.get("video"), params.get("analyser")];
  if (!video) return null;
  return (
    <p>
      <Link href={analyser ? analyserOn(video, analyser) : `/watch/${encodeURIComponent(video)}`}>
        ← Back to {analyser ? `${analyserName(analyser)} in the video` : "the video"}
      </Link>
    </p>
  );
}

function Parts({ data }: { data: ModelsAnswer }) {
  const [params, setParams] = useSearchParams();
  const filter = modelFilterOf(params);
  const { kind, analyser, state } = filter;
  const shown = useMemo(() => narrowed(data.items, { kind, analyser, state }), [data, kind, analyser, state]);
  return (
    <>
      <Wanting data={data} />
      {data.cache.length > 0 && <CacheTable rows={data.cache} results={data.results} />}
      <Filters
        data={data}
        filter={filter}
        shown={shown.length}
        onChange={(name, value) => setParams((now) => withModelFilter(now, name, value), { replace: true })}
        onClear={() => setParams(withoutModelFilter)}
      />
      {shown.length === 0 ? (
        <Empty title="No model fits this filter." />
      ) : (
        <ul className="model-grid">
          {shown.map((model) => (
            <ModelCardView key={model.name} model={model} runs={runsOf(data.cache, model.name)} video={params.get("video")} />
          ))}
        </ul>
      )}
    </>
  );
}

/** What is not here, and the commands that bring it. */
function Wanting({ data }: { data: ModelsAnswer }) {
  const needed = data.items.filter((each) => each.state === "damaged" || (each.state === "missing" && !each.optional));
  if (needed.length === 0) return null;
  return (
    <Note tone="warn">
      <p>
        {plural(needed.length, "model is", "models are")} missing or damaged: {needed.map((each) => each.name).join(", ")}. Analysers that need them are skipped, and those that they help do with less.
      </p>
      <p>
        Run {pullCommands(needed).map((command) => <code key={command}>{command}</code>)} on the server.
      </p>
    </Note>
  );
}

interface FilterProps {
  data: ModelsAnswer;
  filter: ModelFilter;
  shown: number;
  onChange: (name: keyof ModelFilter, value: string) => void;
  onClear: () => void;
}

function Filters({ data, filter, shown, onChange, onClear }: FilterProps) {
  const kinds = [...new Set(data.items.map((each) => each.kind))].sort();
  const states = [...new Set(data.items.map((each) => each.state))].sort();
  const analysers = analysersOf(data.items);
  const choices: [keyof ModelFilter, string, string[], (value: string) => string][] = [
    ["kind", "Kind", kinds, words],
    ["analyser", "Analyser", analysers, analyserName],
    ["state", "State", states, words],
  ];
  return (
    <div className="model-filters">
      {choices.map(([name, title, values, shownAs]) => (
        <label key={name} className="field">
          {title}
          <select value={filter[name] ?? ""} onChange={(event) => onChange(name, event.target.value)}>
            <option value="">All</option>
            {/* A value of the address that no model has is still what the page is narrowed to. */}
            {[...new Set([...values, ...(filter[name] === undefined ? [] : [filter[name]])])].map((value) => (
              <option key={value} value={value}>
                {shownAs(value)}
              </option>
            ))}
          </select>
        </label>
      ))}
      {Object.keys(filter).length > 0 && (
        <button type="button" className="button quiet" onClick={onClear}>
          Clear
        </button>
      )}
      <p className="muted" role="status">
        {plural(shown, "model")}
      </p>
    </div>
  );
}
