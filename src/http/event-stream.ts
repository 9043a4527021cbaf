import type { ServerResponse } from 'node:http';

/** A client of a stream, until its connection closes. */
export interface StreamClient {
  /** Drops the message where the client has not read those before: a slow one costs no memory. */
  send(event: string, data: string): void;
  end(): void;
}

/** Unread bytes of a client beyond which messages are dropped, and how long that may last. */
const MAX_UNREAD = 256 * 1024;
const MAX_UNREAD_MS = 30_000;
/** Time for the last messages to reach a client. */
const END_MS = 1_000;
/** An `EventSource` connects again after this. */
const AGAIN_MS = 2_000;

/** A body of server-sent events (WHATWG HTML, section 9.2). */
export class EventStream {
  /** `start` is called with the client, and returns what is called once, when the stream is over. */
  constructor(readonly start: (client: StreamClient) => () => void) {}

  open(response: ServerResponse, headers: Record<string, string> = {}): void {
    // A proxy must not wait for more before it passes a message on.
    response.writeHead(200, { ...headers, 'content-type': 'text/event-stream', 'x-accel-buffering': 'no' });
    if (response.req.method === 'HEAD') return void response.end();
    let isOver = false;
    let unreadSince: number | null = null;
    let leave = () => {};
    const over = () => {
      if (isOver) return;
      isOver = true;
      leave();
    };
    response.once('close', over);
    // Written to by nobody from then on: an error event without a listener would end the process.
    response.on('error', over);
    response.write(`retry: ${AGAIN_MS}\n\n`);
    const left = this.start({
      send(event, data) {
        if (isOver) return;
        if (response.writableLength < MAX_UNREAD) {
          unreadSince = null;
          response.write(`event: ${event}\ndata: ${data}\n\n`);
          return;
        }
        unreadSince ??= performance.now();
        if (performance.now() - unreadSince > MAX_UNREAD_MS) response.destroy();
      },
      end() {
        over();
        response.end();
        // A client that does not read would keep the connection.
        setTimeout(() => response.destroy(), END_MS).unref();
      },
    });
    if (isOver || response.closed) left();
    else leave = left;
  }
}
