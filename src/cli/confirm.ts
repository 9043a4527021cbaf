import { createInterface } from 'node:readline';
import { EXIT_CODES, ExitError } from './exit-codes.js';
import type { Io } from './io.js';
import { rendered, yellow } from './text.js';

/** Asks a person at a terminal; Ctrl-C and Ctrl-D end the command. */
export function ask({ stdin, stderr }: Io, question: string): Promise<string> {
  const reading = createInterface({ input: stdin, output: stderr });
  return new Promise((resolve, reject) => {
    reading.on('close', () => reject(new ExitError(EXIT_CODES.interrupted)));
    reading.question(rendered([yellow(question)], stderr), (answer) => {
      resolve(answer.trim());
      reading.close();
    });
  });
}
