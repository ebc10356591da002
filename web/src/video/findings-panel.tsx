import type { ReactNode } from "react";
import type { AnalysisAnswer, Finding } from "../api/types";
import { Empty, Note } from "../components/note";
import { analyserName } from "../format/words";
import { analyserAnchor } from "../models/address";
import type { Clock } from "../player/clock";
import { AnalyserTable } from "./analyser-table";
import { FindingList } from "./finding-list";
import { type Tab, Tabs } from "./tabs";
import { Transcript } from "./transcript";

interface Props {
  video: string;
  spans: Finding[];
  analysis: AnalysisAnswer | undefined;
  clock: Clock;
  colours: ReadonlyMap<string, number>;
}

const LISTS: { id: string; analyser: string; title: string; empty: string; labels?: string[]; search?: string }[] = [
  { id: "text", analyser: "text_overlay", title: "Text", empty: "No text was read in the picture.", search: "Search the text" },
  { id: "objects", analyser: "object_detection", title: "Objects", empty: "No objects were found." },
  { id: "cuts", analyser: "cut_analysis", title: "Cuts", empty: "No cuts were found.", labels: ["cut", "fade", "dissolve"] },
];

/** What was found, as lists: the transcript first. Every entry leads to its moment. */
export function FindingsPanel({ video, spans, analysis, clock, colours }: Props) {
  const of = (analyser: string) => spans.filter((span) => span.analyser === analyser);
  const tabs: Tab[] = [
    {
      id: "speech",
      title: "Transcript",
      body: () => (
        <Looked analysis={analysis} analyser="speech_transcription">
          <Transcript spans={of("speech_transcription")} clock={clock} />
        </Looked>
      ),
    },
    ...LISTS.map(({ id, analyser, title, empty, labels, search }): Tab => {
      const found = of(analyser).filter((span) => labels === undefined || labels.includes(span.label));
      return {
        id,
        title,
        count: hasLooked(analysis, analyser) ? found.length : undefined,
        body: () => (
          <Looked analysis={analysis} analyser={analyser}>
            <FindingList key={id} findings={found} clock={clock} empty={empty} colours={colours} search={search} />
          </Looked>
        ),
      };
    }),
    { id: "analysers", title: "Analysers", body: () => <AnalyserTable video={video} analysis={analysis} /> },
  ];
  return (
    <section className="card findings" aria-label="Findings">
      <Tabs tabs={tabs} label="Findings" first={location.hash.startsWith(`#${analyserAnchor("")}`) ? "analysers" : undefined} />
    </section>
  );
}

function hasLooked(analysis: AnalysisAnswer | undefined, analyser: string): boolean {
  const status = analysis?.analysers[analyser]?.status;
  return status === "done" || status === "degraded";
}

const DID = { degraded: "looked with less than it asked for", skipped: "did not run", failed: "failed" };

/** A list, when somebody looked: an empty list means something else when nobody did. */
function Looked({ analysis, analyser, children }: { analysis: AnalysisAnswer | undefined; analyser: string; children: ReactNode }) {
  const result = analysis?.analysers[analyser];
  if (!result) {
    const open = analysis === undefined || analysis.analysis === "queued" || analysis.analysis === "running";
    return <Empty title={open ? "Not looked at yet." : "Nobody looked."} />;
  }
  if (result.status === "done") return children;
  return (
    <>
      <Note tone="warn">
        {analyserName(analyser)}: the analyser {DID[result.status]}
        {result.reason && ` (${result.reason})`}.
      </Note>
      {result.status === "degraded" && children}
    </>
  );
}
