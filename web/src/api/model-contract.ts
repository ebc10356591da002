/**
 * `GET /models` by hand, in the shape of the generated document, until that has it: then `types.ts` and `client.ts` take theirs from
 * `api.gen.ts` alone, and this file goes.
 */

interface ModelPackage {
  source: "pypi" | "npm";
  name: string;
  version: string;
}

interface ModelFile {
  name: string;
  sha256: string;
  bytes: number;
}

interface Measured {
  date: string;
  machine: string;
  threads: number;
  load_ms: number;
  memory_bytes: number;
  latency: { batch: number; ms: number }[];
  command: string;
}

interface ModelCard {
  name: string;
  kind: "runtime" | "model" | "list" | "sample";
  summary: string;
  licence: string;
  /** Where the licence was read. */
  licence_read: string;
  limits: string;
  packages: ModelPackage[];
  files: ModelFile[];
  size_bytes: number;
  state: "present" | "missing" | "damaged";
  /** Only pulled when asked for by name. */
  optional: boolean;
  /** Analysers that cannot do without it. */
  used_by: string[];
  /** Analysers that do more with it. */
  helps: string[];
  measured: Measured | null;
  accuracy: { value: string; command: string } | null;
}

/** Models that a pool of analysers holds in memory. */
interface ModelCache {
  pool: string;
  loaded: number;
  bytes: number;
  limit_bytes: number;
  hits: number;
  misses: number;
  evictions: number;
}

export interface components {
  schemas: {
    ModelCard: ModelCard;
    ModelCache: ModelCache;
    ModelsAnswer: { items: ModelCard[]; cache: ModelCache[] };
  };
}

export interface paths {
  "/models": {
    parameters: { query?: never; header?: never; path?: never; cookie?: never };
    get: {
      parameters: { query?: never; header?: never; path?: never; cookie?: never };
      requestBody?: never;
      responses: { 200: { headers: Record<string, unknown>; content: { "application/json": components["schemas"]["ModelsAnswer"] } } };
    };
    put?: never;
    post?: never;
    delete?: never;
    options?: never;
    head?: never;
    patch?: never;
    trace?: never;
  };
}
