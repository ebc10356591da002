import { Link } from "wouter";
import { overview } from "../api/overview";
import type { Overview } from "../api/types";
import { useReloadOn } from "../api/use-events";
import { useQuery } from "../api/use-query";
import { Empty, Failure, Loading } from "../components/note";
import { useTitle } from "../components/use-title";
import { bytes, count, plural } from "../format/numbers";
import { Latest } from "../overview/latest";
import { QueueTable } from "../overview/queue-table";
import { RateChart } from "../overview/rate-chart";
import { VerdictMix } from "../overview/verdict-mix";
import { useMay } from "../session/session";
import "../overview/overview.css";

export function OverviewPage() {
  useTitle("Overview");
  const { data, error, loading, reload } = useQuery("overview", overview);
  useReloadOn(() => true, reload, 2000);
  return (
    <div className="page">
      <h1>Overview</h1>
      {error && <Failure error={error} onRetry={reload} />}
      {loading && <Loading rows={6} />}
      {data && (data.videos === 0 ? <FirstRun /> : <Parts data={data} />)}
    </div>
  );
}

function FirstRun() {
  const mayUpload = useMay("operator");
  return (
    <Empty title="No videos yet">
      {mayUpload ? (
        <Link href="/upload" className="button primary">
          Upload the first one
        </Link>
      ) : (
        <p>They appear here as soon as somebody uploads one.</p>
      )}
    </Empty>
  );
}

function Parts({ data }: { data: Overview }) {
  return (
    <div className="overview">
      <Figures data={data} />
      <section className="card wide" aria-labelledby="rates">
        <header className="card-head">
          <h2 id="rates">Videos per minute</h2>
        </header>
        <RateChart given={data.per_minute} now={Date.now()} />
      </section>
      <section className="card" aria-labelledby="mix">
        <header className="card-head">
          <h2 id="mix">Verdicts</h2>
        </header>
        <VerdictMix counts={data.by_decision} />
      </section>
      <section className="card wide" aria-labelledby="latest">
        <header className="card-head">
          <h2 id="latest">Latest decisions</h2>
          <Link href="/library">All videos</Link>
        </header>
        <Latest videos={data.latest} />
      </section>
      <section className="card" aria-labelledby="queue">
        <header className="card-head">
          <h2 id="queue">Queue</h2>
        </header>
        <QueueTable rows={data.queue} />
      </section>
    </div>
  );
}

function Figures({ data }: { data: Overview }) {
  const working = ["created", "uploaded", "processing", "transcoding"].reduce((sum, status) => sum + (data.by_status[status] ?? 0), 0);
  const analysing = (data.by_analysis.queued ?? 0) + (data.by_analysis.running ?? 0);
  return (
    <dl className="figures">
      <Figure label="Videos" value={count(data.videos)} href="/library" note={`${bytes(data.original_bytes)} of originals`} />
      <Figure label="Ready" value={count(data.by_status.ready ?? 0)} href="/library?status=ready" note={`${count(working)} on the way`} />
      <Figure label="Being analysed" value={count(analysing)} note={`${plural(data.by_analysis.partial ?? 0, "video")} only in part`} />
      <Figure label="Need review" value={count(data.by_decision.review ?? 0)} href="/library?decision=review" note="a person decides" />
      <Figure label="Failed" value={count(data.by_status.failed ?? 0)} href="/library?status=failed" note="not playable" />
    </dl>
  );
}

function Figure({ label, value, href, note }: { label: string; value: string; href?: string; note: string }) {
  return (
    <div className="figure">
      <dt>{label}</dt>
      <dd>
        {href ? <Link href={href}>{value}</Link> : value}
        <small className="muted">{note}</small>
      </dd>
    </div>
  );
}
