import type { Socket } from 'node:net';
import { answered, fail, headCame } from './answer.js';
import { answerReader, type AnswerReader, type AnswerSink } from './answer-reader.js';
import type { Wire } from './connections.js';
import { boundBodyTime } from './deadline.js';
import { enter, type Exchange } from './exchange.js';
import { requestBytes } from './request.js';
import { appendTo } from './response-text.js';

/** HTTP/1.1 on a connected socket. `lost`: the socket can carry no further exchange. */
export function http1(socket: Socket, lost: (error: Error | null) => void): Wire {
  let current: Exchange | null = null;
  let reader: AnswerReader | null = null;

  const received = (bytes: Buffer): void => {
    // Unrequested bytes must not become the answer to a later request.
    if (!current || !reader) return lost(null);
    if (current.phase === 'answer') enter(current, 'head', 'first_byte');
    const exchange = current;
    const began = exchange.phase === 'body';
    reader.read(bytes);
    // Most bodies arrive with their headers and need no timer.
    if (!began && exchange.phase === 'body') boundBodyTime(exchange);
  };
  socket.on('end', () => lost(null));

  return {
    send(exchange) {
      current = exchange;
      reader = answerReader(sinkOf(exchange));
      socket.write(requestBytes(exchange));
    },
    received,
    ended: (error) => reader?.ended(error),
    close: () => socket.destroy(),
  };

  function sinkOf(exchange: Exchange): AnswerSink {
    return {
      head: (status, headers) => headCame(exchange, status, headers),
      data: (content) => appendTo(exchange.body, content),
      over(end) {
        current = reader = null;
        // An answer before the whole request has left: the receiver must not read the rest as another request.
        answered(exchange, { ...end, reusable: end.reusable && socket.writableLength === 0 });
      },
      bad: (error) => fail(exchange, error),
    };
  }
}
