import { type PointerEvent, useState } from "react";
import type { MinuteRates } from "../api/types";
import { count } from "../format/numbers";
import { hourMinute } from "../format/time";
import { words } from "../format/words";
import { axisTop, fillMinutes, linePath, SERIES, total } from "./series";

const WIDTH = 600;
const HEIGHT = 150;
const MINUTES = 60;

/** How many videos were uploaded, packaged, analysed and decided in each of the last 60 minutes. */
export function RateChart({ given, now }: { given: MinuteRates[]; now: number }) {
  const rows = fillMinutes(given, now, MINUTES);
  const top = axisTop(rows);
  const [at, setAt] = useState<number>();
  const hover = (event: PointerEvent<SVGSVGElement>) => {
    const box = event.currentTarget.getBoundingClientRect();
    const share = (event.clientX - box.left) / box.width;
    setAt(Math.min(MINUTES - 1, Math.max(0, Math.round(share * (MINUTES - 1)))));
  };
  const row = at === undefined ? undefined : rows[at];
  return (
    <div className="rates">
      <div className="rates-legend">
        {SERIES.map((name) => (
          <span key={name} className={`series-${name}`}>
            <i aria-hidden="true" />
            {words(name)} <strong>{count(row ? row[name] : total(rows, name))}</strong>
          </span>
        ))}
        <span className="muted">{row ? `at ${hourMinute(row.minute)}` : "in the last hour"}</span>
      </div>
      <div className="rates-plot">
        <div className="rates-axis" aria-hidden="true">
          {[top, top / 2, 0].map((value) => (
            <span key={value}>{value}</span>
          ))}
        </div>
        <svg
          viewBox={`0 0 ${WIDTH} ${HEIGHT}`}
          preserveAspectRatio="none"
          role="img"
          aria-label={`Videos per minute in the last hour: ${SERIES.map((name) => `${total(rows, name)} ${name}`).join(", ")}`}
          onPointerMove={hover}
          onPointerLeave={() => setAt(undefined)}
        >
          {[0, 0.25, 0.5, 0.75, 1].map((share) => (
            <line key={share} className="grid" x1="0" x2={WIDTH} y1={share * HEIGHT} y2={share * HEIGHT} />
          ))}
          {SERIES.map((name) => (
            <path key={name} className={`line series-${name}`} d={linePath(rows, name, top, WIDTH, HEIGHT)} />
          ))}
          {at !== undefined && <line className="cross" x1={(at / (MINUTES - 1)) * WIDTH} x2={(at / (MINUTES - 1)) * WIDTH} y1="0" y2={HEIGHT} />}
        </svg>
      </div>
      <div className="rates-times muted" aria-hidden="true">
        <span>{hourMinute(rows[0]?.minute ?? "")}</span>
        <span>{hourMinute(rows[MINUTES / 2]?.minute ?? "")}</span>
        <span>now</span>
      </div>
      <RateTable rows={rows} />
    </div>
  );
}

/** The same numbers for those who do not see the lines. */
function RateTable({ rows }: { rows: MinuteRates[] }) {
  const busy = rows.filter((row) => SERIES.some((name) => row[name] > 0)).reverse();
  return (
    <details className="rates-table">
      <summary>As a table</summary>
      {busy.length === 0 ? (
        <p className="muted">Nothing happened in the last hour.</p>
      ) : (
        <div className="scroll" tabIndex={0} role="region" aria-label="Rates per minute">
          <table>
            <thead>
              <tr>
                <th scope="col">Minute</th>
                {SERIES.map((name) => (
                  <th key={name} scope="col" className="number">
                    {words(name)}
                  </th>
                ))}
              </tr>
            </thead>
            <tbody>
              {busy.map((row) => (
                <tr key={row.minute}>
                  <th scope="row">{hourMinute(row.minute)}</th>
                  {SERIES.map((name) => (
                    <td key={name} className="number">
                      {row[name]}
                    </td>
                  ))}
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      )}
    </details>
  );
}
