import type { Command } from 'commander';
import type { Body } from '../client/index.js';
import { defined } from '../lib/defined.js';
import type { Io } from './io.js';
import { splitList, wholeNumber } from './list.js';
import { readJson } from './payload.js';
import { withClient } from './with-client.js';
import { writeEndpoint } from './write-endpoint.js';

interface Settings {
  events?: string[];
  description?: string;
  timeoutMs?: number;
  data?: string;
}

/** Adds the commands that make, change and delete endpoints. */
export function addEndpointChanges(endpoints: Command, io: Io): void {
  withSettings(
    endpoints
      .command('create')
      .description('Create an endpoint; the answer has the secret that signs its webhooks.')
      .argument('<url>', 'URL of the receiver'),
  )
    .option('--tenant <tenant>', 'the customer that it belongs to')
    .action(
      withClient(
        io,
        async ({ client, out }, url: string, { tenant, ...settings }: Settings & { tenant?: string }) => {
          const fields = await fieldsOf<Body<'createEndpoint'>>(settings, io);
          const body = { event_types: ['*'], ...defined({ tenant }), ...fields, url };
          writeEndpoint(out, await client.endpoints.create(body));
        },
      ),
    );

  withSettings(
    endpoints
      .command('update')
      .description('Change settings of an endpoint.')
      .argument('<id>', 'such as ep_…'),
  )
    .option('--target <url>', 'another URL of the receiver')
    .action(
      withClient(
        io,
        async ({ client, out }, id: string, { target, ...settings }: Settings & { target?: string }) => {
          const body = {
            ...(await fieldsOf<Body<'updateEndpoint'>>(settings, io)),
            ...defined({ url: target }),
          };
          writeEndpoint(out, await client.endpoints.update(id, body));
        },
      ),
    );

  endpoints
    .command('delete')
    .description('Delete an endpoint; its open deliveries end.')
    .argument('<id>', 'such as ep_…')
    .action(
      withClient(io, async ({ client, out }, id: string) => {
        await client.endpoints.delete(id);
        out.result({ id, deleted: true }, () => out.line(`${id} is deleted.`));
      }),
    );
}

const withSettings = (command: Command): Command =>
  command
    .option('--events <types>', 'event types joined by commas, such as order.*,invoice.paid', splitList)
    .option('--description <text>', 'for people')
    .option('--timeout-ms <ms>', 'time for an answer', wholeNumber)
    .option('--data <json>', 'every other field of the API as JSON, @file, or - for standard input');

/** The server checks the fields of `--data`. */
async function fieldsOf<Fields>({ events, description, timeoutMs, data }: Settings, io: Io) {
  const more = (data === undefined ? {} : await readJson(data, io)) as Partial<Fields>;
  return { ...more, ...defined({ event_types: events, description, timeout_ms: timeoutMs }) };
}
