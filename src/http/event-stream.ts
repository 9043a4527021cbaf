import type { ServerResponse } from 'node:http';

/** A client of a stream, until its connection closes. */
export interface StreamClient {
  /** Drops the message where the client has not read the ones before: a slow one costs no memory. */
  send(event: string, data: unknown): void;
  end(): void;
}

/** Unread bytes of a client beyond which messages are dropped. */
const MAX_UNREAD = 256 * 1024;
/** Browsers connect again after this. */
const AGAIN_MS = 2_000;

/** A body of server-sent events (WHATWG HTML, section 9.2). */
export class EventStream {
  /** `start` is called with the client, and returns what is called when its connection closes. */
  constructor(readonly start: (client: StreamClient) => () => void) {}

  open(response: ServerResponse, headers: Record<string, string> = {}): void {
    // A proxy must not wait for more before it passes a message on.
    response.writeHead(200, { ...headers, 'content-type': 'text/event-stream', 'x-accel-buffering': 'no' });
    response.write(`retry: ${AGAIN_MS}\n\n`);
    const leave = this.start({
      send(event, data) {
        if (response.writableLength < MAX_UNREAD)
          response.write(`event: ${event}\ndata: ${JSON.stringify(data)}\n\n`);
      },
      end: () => response.end(),
    });
    if (response.closed) leave();
    else response.once('close', leave);
  }
}
