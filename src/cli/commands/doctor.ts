import type { Command } from 'commander';
import { VERSION } from '../../bootstrap/version.js';
import type { Finding } from '../../doctor/check.js';
import { apiKeyFor, outputOf, urlOf } from '../connect.js';
import { EXIT_CODES, ExitError } from '../exit-codes.js';
import type { Io } from '../io.js';
import { dim, green, red, yellow } from '../text.js';

const MARKS = { ok: green('ok  '), warn: yellow('warn'), fail: red('fail') };
const WIDTH = 'search attributes'.length;

/** `surehook doctor`: looks at every part of an installation. */
export function addDoctor(program: Command, io: Io): void {
  program
    .command('doctor')
    .summary('Check the installation.')
    .description(
      'Check Postgres, Temporal, keys, clock and disk, and say how to mend what is wrong. Run it on the machine and with the environment of the server. Exits with 1 where a check fails.',
    )
    .action(async (_options: object, command: Command) => {
      const { examine } = await import('../../doctor/examine.js');
      const out = outputOf(io, command);
      const isGiven = command.optsWithGlobals<{ url?: string }>().url ?? io.env.SUREHOOK_URL;
      const findings = await examine({
        env: io.env,
        version: VERSION,
        url: isGiven ? urlOf(io, command) : null,
        apiKeyFor: (url) => apiKeyFor(url, io.env),
      });
      for (const finding of findings) out.result(finding, () => out.line(...lineOf(finding)));
      if (findings.some(({ verdict }) => verdict === 'fail')) throw new ExitError(EXIT_CODES.failed);
    });
}

const lineOf = ({ check, verdict, found, mend }: Finding) => [
  MARKS[verdict],
  `  ${check.padEnd(WIDTH)}  ${found}`,
  ...(mend === null ? [] : [dim(` → ${mend}`)]),
];
