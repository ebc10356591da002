import { useState } from "react";
import type { Evidence, Verdict, VideoMetadata } from "../api/types";
import type { QueryState } from "../api/use-query";
import { DecisionChip } from "../components/chips";
import { Failure, Loading } from "../components/note";
import { ScoreBar } from "../components/score-bar";
import { score } from "../format/numbers";
import { clockTenths } from "../format/time";
import { analyserName, DECISION_MEANING, words } from "../format/words";
import type { Clock } from "../player/clock";
import { contributions } from "./contributions";

interface Props {
  video: VideoMetadata;
  verdict: QueryState<Verdict>;
  clock: Clock;
}

/** What was decided, from what, and what the decision does not know. */
export function VerdictCard({ video, verdict, clock }: Props) {
  const { data, error, loading, reload } = verdict;
  const unjudged = video.decision === "pending";
  return (
    <section className="card verdict" aria-labelledby="verdict-heading">
      <header className="card-head">
        <h2 id="verdict-heading">Verdict</h2>
        <DecisionChip decision={data?.decision ?? video.decision} />
      </header>
      {loading && <Loading rows={2} />}
      {error && <Failure error={error} onRetry={reload} />}
      {unjudged && !data && <p className="muted">{DECISION_MEANING.pending}</p>}
      {data && <Judged verdict={data} clock={clock} />}
    </section>
  );
}

function Judged({ verdict, clock }: { verdict: Verdict; clock: Clock }) {
  return (
    <>
      <p className="muted">{DECISION_MEANING[verdict.decision]}</p>
      {verdict.score != null && (
        <div className="verdict-score">
          <strong>{score(verdict.score)}</strong>
          <ScoreBar score={verdict.score} threshold={verdict.threshold} band={verdict.review_band} />
        </div>
      )}
      <Contributions verdict={verdict} />
      <EvidenceList evidence={verdict.evidence} clock={clock} />
      <Caveats verdict={verdict} />
    </>
  );
}

function Contributions({ verdict }: { verdict: Verdict }) {
  return (
    <table className="contributions">
      <caption className="hidden-text">What each modality adds to the score</caption>
      <thead>
        <tr>
          <th scope="col">From</th>
          <th scope="col">Score</th>
          <th scope="col">Weight</th>
          <th scope="col">Adds</th>
        </tr>
      </thead>
      <tbody>
        {contributions(verdict).map((each) => (
          <tr key={each.modality}>
            <th scope="row">{words(each.modality)}</th>
            {each.score === undefined ? (
              <td colSpan={3} className="muted">
                nothing to score
              </td>
            ) : (
              <>
                <td>
                  <span className={`meter modality-${each.modality}`} style={{ "--share": each.score }}>
                    {score(each.score)}
                  </span>
                </td>
                <td>× {score(each.weight)}</td>
                <td>{score(each.part)}</td>
              </>
            )}
          </tr>
        ))}
      </tbody>
    </table>
  );
}

const EVIDENCE_SHOWN = 4;

function EvidenceList({ evidence, clock }: { evidence: Evidence[]; clock: Clock }) {
  const [all, setAll] = useState(false);
  if (evidence.length === 0) return null;
  const shown = all ? evidence : evidence.slice(0, EVIDENCE_SHOWN);
  return (
    <>
      <h3>Evidence</h3>
      <ol className="evidence">
        {shown.map((each, index) => (
          <li key={`${each.source} ${each.start_ms} ${index}`}>
            {each.source === "title" ? (
              <div className="evidence-row">
                <EvidenceWords evidence={each} when="title" />
              </div>
            ) : (
              <button type="button" className="evidence-row" onClick={() => clock.seekMs(each.start_ms)}>
                <EvidenceWords evidence={each} when={clockTenths(each.start_ms)} />
              </button>
            )}
          </li>
        ))}
      </ol>
      {evidence.length > EVIDENCE_SHOWN && (
        <button type="button" className="button quiet small" onClick={() => setAll(!all)}>
          {all ? "Show less" : `Show ${evidence.length - EVIDENCE_SHOWN} more`}
        </button>
      )}
    </>
  );
}

function EvidenceWords({ evidence, when }: { evidence: Evidence; when: string }) {
  return (
    <>
      <span className="time">{when}</span>
      <span className="what">
        {evidence.text ? <q>{evidence.text}</q> : analyserName(evidence.source)}
        <small className="muted">
          {evidence.text ? `${analyserName(evidence.source)} · ${evidence.label}` : evidence.label}
        </small>
      </span>
      <span className={`score modality-${evidence.modality}`}>{score(evidence.score)}</span>
    </>
  );
}

/** What did not run, and what the models cannot do: a score is the models' opinion. */
function Caveats({ verdict }: { verdict: Verdict }) {
  return (
    <>
      {verdict.not_run.length > 0 && (
        <div className="not-run">
          <h3>Not looked at</h3>
          <ul>
            {verdict.not_run.map((each) => (
              <li key={each}>{notRunWords(each)}</li>
            ))}
          </ul>
        </div>
      )}
      <details className="limits">
        <summary>How far to trust this</summary>
        <p>
          Scores are what models answered, not the probability that the video harms somebody. Method <code>{verdict.method}</code>, threshold{" "}
          {score(verdict.threshold)}, review within ± {score(verdict.review_band)}.
        </p>
        <ul>
          {verdict.limits?.map((each) => (
            <li key={each}>{each}</li>
          ))}
        </ul>
      </details>
    </>
  );
}

/** `object_detection: reason` with the analyser's name in words. */
function notRunWords(text: string): string {
  const at = text.indexOf(":");
  return at < 0 ? analyserName(text) : `${analyserName(text.slice(0, at))}:${text.slice(at + 1)}`;
}
