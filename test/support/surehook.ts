import { PassThrough } from 'node:stream';
import { text } from 'node:stream/consumers';
import { runCli } from '../../src/cli/program.js';

export interface CommandRun {
  code: number;
  out: string;
  err: string;
}

export interface Surroundings {
  env?: NodeJS.ProcessEnv;
  /** Standard input. */
  input?: string;
  /** A person sits at a terminal. */
  terminal?: boolean;
}

/** Runs a command line of `surehook` in this process. */
export async function surehook(
  args: string[],
  { env = {}, input = '', terminal = false }: Surroundings = {},
): Promise<CommandRun> {
  const stream = () => Object.assign(new PassThrough(), { isTTY: terminal });
  const [stdin, stdout, stderr] = [stream(), stream(), stream()];
  // The end of the input is Ctrl-D, which comes later than what a person types.
  if (terminal) stdin.write(input);
  else stdin.end(input);
  const written = Promise.all([text(stdout), text(stderr)]);
  const code = await runCli(args, { env, stdin, stdout, stderr });
  stdout.end();
  stderr.end();
  const [out, err] = await written;
  return { code, out, err };
}

/** The objects that a command wrote with `--json`. */
export const jsonOf = <T = Record<string, unknown>>({ out }: CommandRun): T[] =>
  out
    .split('\n')
    .filter(Boolean)
    .map((line) => JSON.parse(line) as T);
