import { score as shown } from "../format/numbers";

interface Props {
  score: number;
  threshold: number;
  band: number;
}

/** A score on a scale from 0 to 1 with the threshold as a line and the review band as a shade. */
export function ScoreBar({ score, threshold, band }: Props) {
  const from = Math.max(0, threshold - band);
  const to = Math.min(1, threshold + band);
  const words = `Score ${shown(score)}; threshold ${shown(threshold)}; review from ${shown(from)} to ${shown(to)}`;
  return (
    <div className="score-bar">
      <svg viewBox="0 0 100 10" preserveAspectRatio="none" role="img" aria-label={words}>
        <rect className="track" x="0" y="2" width="100" height="6" />
        <rect className="band" x={from * 100} y="0" width={(to - from) * 100} height="10" />
        <rect className="fill" x="0" y="3" width={score * 100} height="4" />
        <line className="threshold" x1={threshold * 100} x2={threshold * 100} y1="0" y2="10" />
        <line className="mark" x1={score * 100} x2={score * 100} y1="1" y2="9" />
      </svg>
      <div className="score-scale" aria-hidden="true">
        <span>0</span>
        <span style={{ left: `${threshold * 100}%` }}>threshold {shown(threshold)}</span>
        <span>1</span>
      </div>
    </div>
  );
}
