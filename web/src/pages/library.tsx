import { useEffect } from "react";
import { Link, useSearchParams } from "wouter";
import { Empty, Failure, Loading } from "../components/note";
import { useTitle } from "../components/use-title";
import { plural } from "../format/numbers";
import { asked, filterOf, withFilter } from "../library/filter";
import { FilterBar } from "../library/filter-bar";
import { VideoCard } from "../library/video-card";
import { useVideoList, type VideoList } from "../library/video-list";
import { useMay } from "../session/session";
import "../library/library.css";

export function LibraryPage() {
  useTitle("Library");
  const [params, setParams] = useSearchParams();
  const filter = filterOf(params);
  const list = useVideoList(asked(filter));
  const narrowed = Object.keys(filter).length > 0;

  // `/` on another page leads here.
  const focus = params.get("focus") === "filter";
  useEffect(() => {
    if (!focus) return;
    document.getElementById("filter")?.focus();
    setParams((now) => {
      now.delete("focus");
      return now;
    }, { replace: true });
  }, [focus, setParams]);

  return (
    <div className="page">
      <header className="page-head">
        <h1>Library</h1>
        {!list.loading && (
          <p className="muted" role="status">
            {list.more ? `${plural(list.videos.length, "video")} shown, more below` : plural(list.videos.length, "video")}
          </p>
        )}
      </header>
      <FilterBar
        filter={filter}
        onChange={(name, value) => setParams((now) => withFilter(now, name, value), { replace: true })}
        onClear={() => setParams(new URLSearchParams())}
      />
      {list.error && <Failure error={list.error} onRetry={list.reload} />}
      {list.loading ? <Loading rows={4} /> : <Grid list={list} narrowed={narrowed} />}
    </div>
  );
}

function Grid({ list, narrowed }: { list: VideoList; narrowed: boolean }) {
  const mayUpload = useMay("operator");
  if (list.videos.length === 0) {
    if (list.error) return null;
    return narrowed ? (
      <Empty title="No video fits this filter." />
    ) : (
      <Empty title="No videos yet">{mayUpload && <Link href="/upload">Upload the first one</Link>}</Empty>
    );
  }
  return (
    <>
      <div className="grid">
        {list.videos.map((video) => (
          <VideoCard key={video.stream_id} video={video} />
        ))}
      </div>
      {list.more && (
        <div className="row centre">
          <button type="button" className="button" onClick={list.loadMore}>
            Show more
          </button>
        </div>
      )}
    </>
  );
}
