import { useMemo } from "react";
import { Link } from "wouter";
import type { AnalysisAnswer, Finding } from "../api/types";
import { Empty } from "../components/note";
import { percent } from "../format/numbers";
import { clock as clockWords } from "../format/time";
import { modelsOf } from "../models/address";
import type { Clock } from "../player/clock";
import { cardsOf, limitsOf, type Mark, type Moment, type Share, type WholeCard } from "./cards";
import "./whole.css";

interface Props {
  video: string;
  spans: Finding[];
  analysis: AnalysisAnswer | undefined;
  clock: Clock;
}

/** What holds for the whole video: one card per analyser that says so. */
export function WholeCards({ video, spans, analysis, clock }: Props) {
  const cards = useMemo(() => cardsOf(spans), [spans]);
  const running = analysis === undefined || analysis.analysis === "queued" || analysis.analysis === "running";
  return (
    <section className="whole" aria-labelledby="whole-heading">
      <h2 id="whole-heading">On the whole</h2>
      {cards.length === 0 ? (
        <div className="card">
          <Empty title={running ? "The analysis has not ended yet." : "No analyser told anything about the whole."} />
        </div>
      ) : (
        <div className="whole-cards">
          {cards.map((card) => (
            <Card key={card.id} card={card} video={video} limits={limitsOf(analysis, card.analyser)} clock={clock} />
          ))}
        </div>
      )}
    </section>
  );
}

function Card({ card, video, limits, clock }: { card: WholeCard; video: string; limits: string | undefined; clock: Clock }) {
  const heading = `whole-${card.id}`;
  return (
    <section className="card whole-card" aria-labelledby={heading}>
      <header>
        <h3 id={heading}>{card.title}</h3>
        {card.marks.map((mark) => (
          <MarkSign key={mark} mark={mark} />
        ))}
      </header>
      {card.headline && <p className="headline">{card.headline}</p>}
      {card.palette && card.palette.length > 0 && <Palette palette={card.palette} />}
      {card.shares && card.shares.length > 0 && <Shares shares={card.shares} />}
      {card.facts && card.facts.length > 0 && (
        <dl className="whole-facts">
          {card.facts.map((each) => (
            <div key={each.name}>
              <dt>{each.name}</dt>
              <dd>
                {each.value}
                {each.share !== undefined && <i aria-hidden="true" style={{ "--share": Math.min(1, Math.max(0, each.share)) }} />}
              </dd>
            </div>
          ))}
        </dl>
      )}
      {card.moments && card.moments.length > 0 && <Moments moments={card.moments} clock={clock} />}
      {card.marks.includes("guess") && <p className="guess-note">Guesses about persons: they never decide anything.</p>}
      <details className="limits">
        <summary>How far to trust this</summary>
        <p>{limits ?? "The analyser says nothing about its limits."}</p>
        <Link href={modelsOf(card.analyser, video)}>Models of this analyser</Link>
      </details>
    </section>
  );
}

const MARKS: Record<Mark, { word: string; about: string }> = {
  heuristic: { word: "rule", about: "Made by rules of thumb, not by a model" },
  composed: { word: "composed", about: "Composed from what other analysers found; no model looked at the pictures" },
  guess: { word: "guess", about: "A guess about persons, which decides nothing" },
};

/** A small word that says how something came about. */
export function MarkSign({ mark }: { mark: Mark }) {
  return (
    <span className={`origin ${mark}`} title={MARKS[mark].about}>
      {MARKS[mark].word}
    </span>
  );
}

function Palette({ palette }: { palette: { colour: string; share: number }[] }) {
  return (
    <ul className="palette">
      {palette.map(({ colour, share }) => (
        <li key={colour} style={{ "--share": share }}>
          <i style={{ background: colour }} aria-hidden="true" />
          <code>{colour}</code>
          <small>{percent(share)}</small>
        </li>
      ))}
    </ul>
  );
}

function Shares({ shares }: { shares: Share[] }) {
  return (
    <>
      <div className="share-bar" aria-hidden="true">
        {shares.map((each) => (
          <span key={each.name} className={`colour-${each.colour}`} style={{ flexGrow: each.share }} />
        ))}
      </div>
      <ul className="share-list">
        {shares.map((each) => (
          <li key={each.name}>
            <i className={`dot colour-${each.colour}`} aria-hidden="true" />
            {each.name.replaceAll("_", " ")} <span className="muted">{percent(each.share)}</span>
          </li>
        ))}
      </ul>
    </>
  );
}

function Moments({ moments, clock }: { moments: Moment[]; clock: Clock }) {
  return (
    <ol className="moments">
      {moments.map((each, index) => (
        <li key={`${each.ms} ${index}`}>
          <button type="button" onClick={() => clock.seekMs(each.ms)}>
            <span className="time">{clockWords(each.ms)}</span>
            <span>
              {each.title}
              {each.note && <small className="muted">{each.note}</small>}
            </span>
          </button>
        </li>
      ))}
    </ol>
  );
}
