import type { Command } from 'commander';
import { connect } from '../connect.js';
import { defined } from '../../lib/defined.js';
import { eventFields, withEventOptions, writeAccepted, type EventOptions } from '../event-options.js';
import type { Io } from '../io.js';

/** `surehook send`: one webhook to a URL without an endpoint. */
export function addSend(program: Command, io: Io): void {
  const command = program
    .command('send')
    .summary('Send one durable webhook to a URL.')
    .description('Send one durable webhook to a URL that nobody registered.')
    .argument('<url>', 'URL of the receiver')
    .argument('[payload]', 'JSON, @file, or - for standard input', '{}')
    .option('--type <type>', 'type of the event');
  withEventOptions(command).action(
    async (url: string, given: string, options: EventOptions & { type?: string }, command: Command) => {
      const { readPayload } = await import('../payload.js');
      const payload = await readPayload(given, options.contentType, io);
      const { client, out } = await connect(io, command);
      writeAccepted(
        out,
        await client.send(url, payload, { ...eventFields(options), ...defined({ type: options.type }) }),
      );
    },
  );
}
