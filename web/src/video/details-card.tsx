import type { ReactNode } from "react";
import type { Rendition, VideoMetadata, VideoTrack } from "../api/types";
import { originalUrl } from "../api/videos";
import { CopyButton } from "../components/copy-button";
import { Icon } from "../components/icon";
import { Note } from "../components/note";
import { bitRate, bytes, count } from "../format/numbers";
import { clockTenths, dateTime, duration } from "../format/time";
import { useMay } from "../session/session";

/** What is known of the file and of what was made of it. */
export function DetailsCard({ video }: { video: VideoMetadata }) {
  const mayFetch = useMay("operator");
  const { media } = video;
  const labels = Object.entries(video.labels);
  return (
    <section className="card details" aria-labelledby="details-heading">
      <header className="card-head">
        <h2 id="details-heading">Details</h2>
        {mayFetch && video.checksum && (
          <a className="button small" href={originalUrl(video.stream_id)} download>
            <Icon name="download" /> Original
          </a>
        )}
      </header>
      {media?.notes.map((note) => (
        <Note key={note} tone="info">
          {note}
        </Note>
      ))}
      <dl className="facts">
        <Fact name="Id">
          <code>{video.stream_id}</code> <CopyButton text={video.stream_id} what="id" />
        </Fact>
        <Fact name="Owner">{video.owner}</Fact>
        {video.external_id && <Fact name="External id">{video.external_id}</Fact>}
        {labels.length > 0 && <Fact name="Labels">{labels.map(([name, value]) => `${name}=${String(value)}`).join(", ")}</Fact>}
        {video.duration_ms != null && <Fact name="Length">{clockTenths(video.duration_ms)}</Fact>}
        <Fact name="Size">{bytes(video.size_bytes)}</Fact>
        {media && <Fact name="Container">{media.container}</Fact>}
        {media?.video && <Fact name="Picture">{pictureWords(media.video)}</Fact>}
        {media?.audio && <Fact name="Sound">{`${media.audio.codec}, ${count(media.audio.sample_rate)} Hz, ${channels(media.audio.channels)}`}</Fact>}
        {media && !media.audio && <Fact name="Sound">none</Fact>}
        {video.checksum && (
          <Fact name="SHA-256">
            <code className="cut">{video.checksum}</code> <CopyButton text={video.checksum} what="SHA-256" />
          </Fact>
        )}
        <Fact name="Created">{dateTime(video.created_at)}</Fact>
        {video.processing_latency_ms != null && <Fact name="Upload to ready">{duration(video.processing_latency_ms)}</Fact>}
      </dl>
      {video.renditions.length > 0 && <Renditions renditions={video.renditions} />}
    </section>
  );
}

function Fact({ name, children }: { name: string; children: ReactNode }) {
  return (
    <div>
      <dt>{name}</dt>
      <dd>{children}</dd>
    </div>
  );
}

function pictureWords(track: VideoTrack): string {
  const parts = [`${track.codec}`, `${track.width} × ${track.height}`, `${Number(track.fps.toFixed(2))} frames/s`];
  if (track.rotation !== 0) parts.push(`rotated ${track.rotation}°`);
  if (track.variable_rate) parts.push("variable rate");
  return parts.join(", ");
}

function channels(number: number): string {
  if (number === 1) return "mono";
  return number === 2 ? "stereo" : `${number} channels`;
}

function Renditions({ renditions }: { renditions: Rendition[] }) {
  return (
    <div className="scroll" tabIndex={0} role="region" aria-label="Renditions">
      <table>
        <thead>
          <tr>
            <th scope="col">Rendition</th>
            <th scope="col">Pixels</th>
            <th scope="col" className="number">
              Mean
            </th>
            <th scope="col" className="number">
              Peak
            </th>
            <th scope="col" className="number">
              Size
            </th>
            <th scope="col">Codecs</th>
          </tr>
        </thead>
        <tbody>
          {renditions.map((each) => (
            <tr key={each.name}>
              <th scope="row">{each.name}</th>
              <td>{each.width > 0 ? `${each.width} × ${each.height}` : "–"}</td>
              <td className="number">{bitRate(each.average_bandwidth_bps)}</td>
              <td className="number">{bitRate(each.bandwidth_bps)}</td>
              <td className="number">{bytes(each.size_bytes)}</td>
              <td>
                <code>{each.codecs}</code>
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}
