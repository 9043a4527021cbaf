import { constants } from 'node:os';
import { InvalidArgumentError, type Command } from 'commander';
import { onShutdownSignal } from '../../bootstrap/shutdown-signals.js';
import { NotFoundError } from '../../client/errors.js';
import type { SurehookClient } from '../../client/index.js';
import { RawJson } from '../../client/raw-json.js';
import { indented } from '../../domain/indented.js';
import { messageOf } from '../../lib/error-text.js';
import { connect } from '../connect.js';
import { exitCodeOf, EXIT_CODES, ExitError } from '../exit-codes.js';
import type { Io } from '../io.js';
import { splitList } from '../list.js';
import type { Output } from '../output.js';
import { bold, dim, green, red } from '../text.js';
import type { Received } from '../webhook-receiver.js';

interface ListenOptions {
  events: string[];
  forwardTo?: string;
  tenant: string;
  port: number;
  publicUrl?: string;
  keep?: boolean;
}

/** Lines of a payload that are printed. */
const MAX_LINES = 40;

/** `surehook listen`: a receiver on this machine, with an endpoint of its own until it ends. */
export function addListen(program: Command, io: Io): void {
  program
    .command('listen')
    .description('Receive webhooks on this machine, print them, and pass them on if wanted.')
    .option('--events <types>', 'event types, such as order.*,refund.made', splitList, ['*'])
    .option('--forward-to <url>', 'pass each webhook on, and answer with the answer', parseUrl)
    .option('--tenant <tenant>', 'whose events', 'default')
    .option('--port <n>', 'port of 127.0.0.1 to listen on; 0: any free one', parsePort, 0)
    .option(
      '--public-url <url>',
      'URL at which the server reaches this receiver, such as that of a tunnel',
      parseUrl,
    )
    .option('--keep', 'keep the endpoint: a start at the same port finds it again')
    .action(async (options: ListenOptions, command: Command) => {
      const { client, out } = await connect(io, command);
      const { startListening } = await import('../start-listening.js');
      const { events, tenant, port, publicUrl = null, forwardTo = null, keep = false } = options;
      // A Ctrl-C during the registration waits for it: only its answer has the id to delete.
      const ending = ended(io);
      const listening = await startListening(client, {
        ...{ types: events, tenant, port, publicUrl, forwardTo },
        received: (webhook) => write(out, webhook, forwardTo),
        refused: (reason) => out.note(red('refused: '), reason),
      });
      const { id, url, secret } = listening;
      out.result({ endpoint: { id, url, secret } }, () => {
        out.note(dim(`Listening for ${events.join(', ')} of tenant ${tenant} at ${url} (${id}).`));
        if (forwardTo) out.note(dim(`Passing webhooks on to ${forwardTo}; secret: ${secret}`));
        out.note(dim(`Ctrl-C ends it and ${keep ? 'keeps' : 'deletes'} the endpoint.`));
      });
      const end = await ending;
      await listening.stop();
      if (!keep) await deleteEndpoint(client, id);
      throw end;
    });
}

async function deleteEndpoint(client: SurehookClient, id: string): Promise<void> {
  try {
    await client.endpoints.delete(id);
  } catch (cause) {
    if (cause instanceof NotFoundError) return;
    const text = `The endpoint ${id} stays: ${messageOf(cause)}\nDelete it: surehook endpoints delete ${id}`;
    throw new ExitError(exitCodeOf(cause), text, { cause });
  }
}

function write(out: Output, { body, ...webhook }: Received, forwardTo: string | null): void {
  const inLines = indented(body);
  const payload = inLines === null ? JSON.stringify(body) : body;
  out.result(new RawJson(`{"payload":${payload},${JSON.stringify(webhook).slice(1)}`), () => {
    const { id, type, attempt, answered, error } = webhook;
    const answer =
      answered === null ? red(`no answer: ${error}`) : (answered < 300 ? green : red)(String(answered));
    const time = dim(new Date().toTimeString().slice(0, 8));
    out.line(time, '  ', bold(type), `  ${id}  attempt ${attempt}`, ...(forwardTo ? ['  → ', answer] : []));
    const lines = (inLines ?? body).split('\n');
    for (const line of lines.slice(0, MAX_LINES)) out.line(dim('  │ '), line);
    if (lines.length > MAX_LINES)
      out.line(dim(`  │ … ${lines.length - MAX_LINES} more lines; --json has all`));
  });
}

/** Waits for a signal to end, or for an output that cannot be written; returns what the command ends with. */
const ended = ({ stdout }: Io) =>
  new Promise<ExitError>((resolve) => {
    onShutdownSignal(async (signal) => resolve(new ExitError(128 + constants.signals[signal])));
    stdout.on('error', (cause: NodeJS.ErrnoException) =>
      resolve(
        cause.code === 'EPIPE'
          ? new ExitError(EXIT_CODES.ok)
          : new ExitError(EXIT_CODES.failed, `The output cannot be written: ${cause.message}`, { cause }),
      ),
    );
  });

function parseUrl(given: string): string {
  if (!URL.canParse(given) || !/^https?:/.test(given))
    throw new InvalidArgumentError('Must be an http(s) URL.');
  return given;
}

function parsePort(given: string): number {
  if (!/^\d{1,5}$/.test(given) || Number(given) > 65_535) throw new InvalidArgumentError('Must be a port.');
  return Number(given);
}
