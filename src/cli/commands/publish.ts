import type { Command } from 'commander';
import { connect } from '../connect.js';
import { eventFields, withEventOptions, writeAccepted, type EventOptions } from '../event-options.js';
import type { Io } from '../io.js';

/** `surehook publish`: an event for every endpoint that subscribes to its type. */
export function addPublish(program: Command, io: Io): void {
  const command = program
    .command('publish')
    .description('Publish an event to every endpoint that subscribes to its type.')
    .argument('<type>', 'type of the event, such as order.created')
    .argument('[payload]', 'JSON, @file, or - for standard input', '{}');
  withEventOptions(command).action(
    async (type: string, given: string, options: EventOptions, command: Command) => {
      const { readPayload } = await import('../payload.js');
      const payload = await readPayload(given, options.contentType, io);
      const { client, out } = await connect(io, command);
      writeAccepted(out, await client.publish(type, payload, eventFields(options)));
    },
  );
}
