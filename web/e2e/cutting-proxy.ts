/** A way to the server that can cut the streams of events, as networks do, and remembers what was asked for afterwards. */

import http from "node:http";
import type { AddressInfo } from "node:net";

export interface CuttingProxy {
  url: string;
  /** `Last-Event-ID` of every stream so far; nothing where there was none. */
  asked: (string | undefined)[];
  /** Ends the open streams without a word. */
  cut: () => void;
  close: () => void;
}

export async function cuttingProxy(server: string): Promise<CuttingProxy> {
  const streams = new Set<http.ServerResponse>();
  const asked: (string | undefined)[] = [];
  const proxy = http.createServer((request, response) => {
    if (request.url?.startsWith("/api/events") && request.headers.accept === "text/event-stream") {
      const id = request.headers["last-event-id"];
      asked.push(Array.isArray(id) ? id[0] : id);
      streams.add(response);
      response.on("close", () => streams.delete(response));
    }
    const onward = http.request(new URL(request.url ?? "/", server), { method: request.method, headers: request.headers }, (answer) => {
      response.writeHead(answer.statusCode ?? 502, answer.headers);
      // A stream of events may have nothing to say at first.
      response.flushHeaders();
      answer.pipe(response);
    });
    onward.on("error", () => response.destroy());
    response.on("close", () => onward.destroy());
    request.pipe(onward);
  });
  await new Promise<void>((listening) => proxy.listen(0, "127.0.0.1", listening));
  return {
    url: `http://127.0.0.1:${(proxy.address() as AddressInfo).port}`,
    asked,
    cut: () => {
      for (const stream of streams) stream.destroy();
    },
    close: () => {
      proxy.closeAllConnections();
      proxy.close();
    },
  };
}
