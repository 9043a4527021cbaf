import type { OnReadOpts } from 'node:net';

/** All sockets read into this one buffer, without a stream: no reader keeps the bytes. */
const RECEIVED = Buffer.alloc(64 * 1024);

export function intoOneBuffer(received: (bytes: Buffer) => void): OnReadOpts {
  return {
    buffer: RECEIVED,
    callback(size) {
      received(RECEIVED.subarray(0, size));
      return true;
    },
  };
}
