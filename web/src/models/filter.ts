/** What the models page is narrowed to, read from its address; pure. */

import type { ModelCache, ModelCard, ModelRuns } from "../api/types";

export interface ModelFilter {
  kind?: string | undefined;
  analyser?: string | undefined;
  state?: string | undefined;
}

const NAMES = ["kind", "analyser", "state"] as const;

export function modelFilterOf(params: URLSearchParams): ModelFilter {
  return Object.fromEntries(NAMES.flatMap((name) => (params.get(name) ? [[name, params.get(name)]] : [])));
}

/** The address's parameters with one of the filter changed; everything else, the way back among it, stays. */
export function withModelFilter(params: URLSearchParams, name: keyof ModelFilter, value: string): URLSearchParams {
  const next = new URLSearchParams(params);
  if (value === "") next.delete(name);
  else next.set(name, value);
  return next;
}

/** What is left of the address without a filter: the way back. */
export function withoutModelFilter(params: URLSearchParams): URLSearchParams {
  const next = new URLSearchParams(params);
  for (const name of NAMES) next.delete(name);
  return next;
}

const STATES: ModelCard["state"][] = ["damaged", "missing", "present"];

/** The models that fit; what needs somebody comes first: damaged, then missing ones, those that are pulled only by name after the others. */
export function narrowed(models: ModelCard[], { kind, analyser, state }: ModelFilter): ModelCard[] {
  const fits = (model: ModelCard) =>
    (kind === undefined || model.kind === kind) &&
    (state === undefined || model.state === state) &&
    (analyser === undefined || model.used_by.includes(analyser) || model.helps.includes(analyser));
  const need = (model: ModelCard) => STATES.indexOf(model.state) + (model.state === "missing" && model.optional ? 0.5 : 0);
  return models.filter(fits).toSorted((a, b) => need(a) - need(b) || a.name.localeCompare(b.name));
}

/** Every analyser that a model serves. */
export function analysersOf(models: ModelCard[]): string[] {
  return [...new Set(models.flatMap((model) => [...model.used_by, ...model.helps]))].sort();
}

/** How to get the models that are not here or not whole: one command for those that come by themselves, else by name. */
export function pullCommands(models: ModelCard[]): string[] {
  const wanting = models.filter((model) => model.state !== "present");
  const plain = wanting.some((model) => !model.optional);
  const named = wanting.filter((model) => model.optional).map((model) => model.name);
  return [...(plain ? ["weir models pull"] : []), ...(named.length > 0 ? [`weir models pull ${named.join(" ")}`] : [])];
}

/** What all pools together ran of a model. */
export function runsOf(caches: ModelCache[], model: string): ModelRuns {
  const all = caches.flatMap(({ runs }) => runs[model] ?? []);
  return all.reduce((sum, each) => ({ count: sum.count + each.count, micros: sum.micros + each.micros }), { count: 0, micros: 0 });
}
