import type { ModelCache, ModelsAnswer } from "../api/types";
import { bytes, count, percent } from "../format/numbers";

/** Which models the pools hold in memory, how often that saved loading one, and how often a stored result saved the work. */
export function CacheTable({ rows, results }: { rows: ModelCache[]; results: ModelsAnswer["results"] }) {
  return (
    <section className="card" aria-labelledby="cache-heading">
      <header className="card-head">
        <h2 id="cache-heading">In memory</h2>
      </header>
      <div className="scroll" tabIndex={0} role="region" aria-label="Models in memory">
        <table className="cache">
          <thead>
            <tr>
              <th scope="col">Pool</th>
              <th scope="col">Memory</th>
              {["Models", "Hits", "Misses", "Evicted"].map((name) => (
                <th key={name} scope="col" className="number">
                  {name}
                </th>
              ))}
            </tr>
          </thead>
          <tbody>
            {rows.map((row) => (
              <tr key={row.pool}>
                <th scope="row">{row.pool}</th>
                <td>
                  <Memory row={row} />
                </td>
                <td className="number">{count(row.loaded)}</td>
                <td className="number">
                  {count(row.hits)} <span className="muted">{hitShare(row)}</span>
                </td>
                <td className="number">{count(row.misses)}</td>
                <td className="number">{count(row.evictions)}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
      <p className="muted">
        Since the server began, {count(results.hits)} results of analysers were there already for the same content {hitShare(results)}; {count(results.misses)} were made.
      </p>
    </section>
  );
}

function Memory({ row }: { row: ModelCache }) {
  const share = row.limit_bytes > 0 ? Math.min(1, row.bytes / row.limit_bytes) : undefined;
  return (
    <div className="cache-memory">
      {share !== undefined && <i aria-hidden="true" style={{ "--share": share }} />}
      <span>
        {bytes(row.bytes)}
        {row.limit_bytes > 0 && <span className="muted"> of {bytes(row.limit_bytes)}</span>}
      </span>
    </div>
  );
}

function hitShare({ hits, misses }: { hits: number; misses: number }): string {
  return hits + misses === 0 ? "" : `(${percent(hits / (hits + misses))})`;
}
