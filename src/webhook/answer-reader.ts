import { bodyReader, type BodyReader } from './answer-body.js';
import { BadAnswerError, listed, parseHead, type Head, type Headers } from './answer-head.js';
import { ClosedError, explain } from './faults.js';
import { headLines } from './head-lines.js';

/** Headers of 128 KiB, and room for the status line. */
export const MAX_HEAD_BYTES = 129 * 1024;
/** Limit for all informational answers (1xx) together. */
const MAX_INTERIM_BYTES = 128 * 1024;
/** Limit for the body with its framing: chunk sizes, extensions, trailers. */
export const MAX_BODY_BYTES = 64 * 1024;

/** `error` says why the answer is cut; null where it is whole or only our limit was reached. */
export interface AnswerEnd {
  cut: boolean;
  error: string | null;
  /** Another request may follow on the connection. */
  reusable: boolean;
}

export interface AnswerSink {
  /** The final status and its headers are in. */
  head(status: number, headers: Headers): void;
  data(content: Buffer): void;
  over(end: AnswerEnd): void;
  /** The answer has no readable status. */
  bad(error: Error): void;
}

/** Reads one answer, split anywhere. Keeps no bytes except those of an incomplete head. */
export interface AnswerReader {
  read(bytes: Buffer): void;
  /** The connection has ended; `error` is null where the receiver closed it in order. */
  ended(error: Error | null): void;
}

const HTTP2 = 'it is HTTP/2, and the receiver speaks nothing else';

export function answerReader(sink: AnswerSink): AnswerReader {
  const lines = headLines(MAX_HEAD_BYTES);
  let body: BodyReader | null = null;
  let keepAlive = false;
  let interimBytes = 0;
  let bodyBytes = 0;
  let done = false;

  return {
    read(bytes) {
      let rest = bytes;
      while (!done && !body && rest.length > 0) rest = readHead(rest);
      if (!done && body) readBody(body, rest);
    },
    ended(error) {
      if (done) return;
      if (!body) return bad(error ?? new ClosedError());
      const why = error ? explain(error) : 'the receiver closed the connection before its end';
      if (body.untilClose && !error) over({ cut: false, error: null, reusable: false });
      else over({ cut: true, error: `The answer broke off in its body: ${why}.`, reusable: false });
    },
  };

  function readHead(bytes: Buffer): Buffer {
    const used = lines.take(bytes);
    if (!lines.startsLikeHttp()) {
      bad(new BadAnswerError(lines.isHttp2() ? HTTP2 : 'it does not begin with HTTP/'));
    } else if (lines.complete) {
      tryHead();
    } else if (lines.length >= MAX_HEAD_BYTES) {
      tooLong();
    }
    return bytes.subarray(used);
  }

  function tryHead(): void {
    let head: Head;
    try {
      head = parseHead(lines.text());
    } catch (error) {
      return bad(error as Error);
    }
    if (head.status >= 200) return begin(head);
    if (head.status === 101)
      return bad(new BadAnswerError('it switches protocols (101), which was not asked for'));
    interimBytes += lines.length;
    lines.clear();
    if (interimBytes < MAX_INTERIM_BYTES) return;
    bad(
      new BadAnswerError(
        `${MAX_INTERIM_BYTES / 1024} KiB of informational answers (1xx) came, and no final one`,
      ),
    );
  }

  /** Headers over the limit do not hide a readable status: the status decides the outcome. */
  function tooLong(): void {
    const limit = 'its headers are longer than 128 KiB';
    let head: Head | null = null;
    try {
      head = parseHead(lines.completeLines());
    } catch {
      // The complete lines are unreadable too.
    }
    if (!head || head.status < 200) return bad(new BadAnswerError(limit));
    sink.head(head.status, head.headers);
    over({ cut: true, error: `The answer was not read to its end: ${limit}.`, reusable: false });
  }

  function begin(head: Head): void {
    lines.clear();
    keepAlive = !listed(head.headers, 'connection').some((option) => /^close$/i.test(option));
    sink.head(head.status, head.headers);
    try {
      body = bodyReader(head);
    } catch (error) {
      broken(error as Error);
    }
  }

  function readBody(body: BodyReader, bytes: Buffer): void {
    const allowed = bytes.subarray(0, MAX_BODY_BYTES - bodyBytes);
    bodyBytes += allowed.length;
    let used: number;
    try {
      used = body.over ? 0 : body.read(allowed, sink.data);
    } catch (error) {
      return broken(error as Error);
    }
    // Bytes after the end of the body belong to no request: do not reuse the connection.
    if (body.over) {
      over({ cut: false, error: null, reusable: keepAlive && body.strict && used === bytes.length });
    } else if (bodyBytes >= MAX_BODY_BYTES) over({ cut: true, error: null, reusable: false });
  }

  function broken({ message }: Error): void {
    over({ cut: true, error: `The body of the answer was not valid HTTP: ${message}.`, reusable: false });
  }

  function over(end: AnswerEnd): void {
    done = true;
    sink.over(end);
  }

  function bad(error: Error): void {
    done = true;
    sink.bad(error);
  }
}
