import type { AnalysisAnswer, Finding } from "../api/types";
import { Note } from "../components/note";
import { analyserName } from "../format/words";
import type { Clock } from "../player/clock";
import { AnalyserTable } from "./analyser-table";
import { FindingList } from "./finding-list";
import { type Tab, Tabs } from "./tabs";
import { Transcript } from "./transcript";

interface Props {
  spans: Finding[];
  analysis: AnalysisAnswer | undefined;
  clock: Clock;
}

const LISTS: { id: string; analyser: string; title: string; empty: string; labels?: string[] }[] = [
  { id: "text", analyser: "text_overlay", title: "Text", empty: "No text was read in the picture." },
  { id: "objects", analyser: "object_detection", title: "Objects", empty: "No objects were found." },
  { id: "cuts", analyser: "cut_analysis", title: "Cuts", empty: "No cuts were found.", labels: ["cut", "fade"] },
];

/** What was found, as lists: the transcript first. Every entry leads to its moment. */
export function FindingsPanel({ spans, analysis, clock }: Props) {
  const speech = spans.filter((span) => span.analyser === "speech_transcription");
  const tabs: Tab[] = [
    {
      id: "speech",
      title: "Transcript",
      body: () => (
        <>
          <Skipped analysis={analysis} analyser="speech_transcription" />
          <Transcript spans={speech} clock={clock} />
        </>
      ),
    },
    ...LISTS.map(({ id, analyser, title, empty, labels }): Tab => {
      const found = spans.filter((span) => span.analyser === analyser && (labels === undefined || labels.includes(span.label)));
      return {
        id,
        title,
        count: found.length,
        body: () => (
          <>
            <Skipped analysis={analysis} analyser={analyser} />
            <FindingList key={id} findings={found} clock={clock} empty={empty} />
          </>
        ),
      };
    }),
    { id: "analysers", title: "Analysers", body: () => <AnalyserTable analysis={analysis} /> },
  ];
  return (
    <section className="card findings" aria-label="Findings">
      <Tabs tabs={tabs} label="Findings" />
    </section>
  );
}

/** An empty list means something else when nobody looked. */
function Skipped({ analysis, analyser }: { analysis: AnalysisAnswer | undefined; analyser: string }) {
  const result = analysis?.analysers[analyser];
  if (!result || result.status === "done") return null;
  const did = { degraded: "looked with less than it asked for", skipped: "did not run", failed: "failed" }[result.status];
  return (
    <Note tone="warn">
      {analyserName(analyser)}: the analyser {did}
      {result.reason && ` (${result.reason})`}.
    </Note>
  );
}
