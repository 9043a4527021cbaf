import type { Readable, Writable } from 'node:stream';

/** A stream to write to, which may be a terminal. */
export type Sink = Writable & { isTTY?: boolean; columns?: number };

/** The surroundings of a command: those of the process, or of a test. */
export interface Io {
  env: NodeJS.ProcessEnv;
  stdin: Readable & { isTTY?: boolean };
  stdout: Sink;
  stderr: Sink;
}
