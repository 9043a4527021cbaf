import type { Command } from 'commander';
import { defined } from '../../lib/defined.js';
import type { Answer, Row } from '../../client/index.js';
import { rawJson } from '../../client/raw-json.js';
import { memberText } from '../../domain/raw-json.js';
import type { Io } from '../io.js';
import { withLimit, withTimes, writeList, type ListOptions, type TimeOptions } from '../list.js';
import type { Column } from '../output.js';
import { statusText } from '../status-text.js';
import { bold, dim, onOneLine } from '../text.js';
import { withClient } from '../with-client.js';

type Filters = ListOptions & TimeOptions & { tenant?: string; type?: string };

const COLUMNS: Column<Row<'searchEvents'>>[] = [
  { title: 'ID', cell: ({ id }) => id },
  { title: 'ACCEPTED', cell: ({ created_at }) => created_at },
  { title: 'TENANT', cell: ({ tenant }) => tenant },
  { title: 'DELIVERIES', cell: ({ delivery_count: count }) => String(count ?? '…') },
  { title: 'TYPE', cell: ({ type }) => type },
];

/** `surehook events`: what was published. */
export function addEvents(program: Command, io: Io): void {
  const events = program.command('events').description('Show events and their deliveries.');

  withFilters(events.command('list').description('List events, newest first.'))
    .option('--key <key>', 'idempotency key')
    .action(
      withClient(io, ({ client, out }, { key, ...filters }: Filters & { key?: string }) =>
        writeList(
          out,
          filters,
          (limit) => client.events.list(defined({ ...filters, idempotency_key: key, limit })),
          COLUMNS,
        ),
      ),
    );

  withFilters(events.command('search').description('Find events by a text in their payload.'))
    .argument('<text>', 'part of the payload, at least 3 characters')
    .action(
      withClient(io, ({ client, out }, text: string, filters: Filters) =>
        writeList(
          out,
          filters,
          (limit) => client.events.search(defined({ ...filters, text, limit })),
          COLUMNS,
        ),
      ),
    );

  events
    .command('get')
    .description('Show an event, its payload and its deliveries.')
    .argument('<id>', 'such as evt_…')
    .action(
      withClient(io, async ({ client, out }, id: string) => {
        const text = await client.events.text(id);
        // Parsing would change numbers of the payload.
        const payload = memberText(text, 'payload') ?? '';
        const event = JSON.parse(text) as Answer<'getEvent'>;
        out.result(rawJson(text), () => {
          out.line(bold(event.id), `  ${event.type}  tenant ${event.tenant}  `, dim(event.created_at));
          for (const { id, endpoint_id, status } of event.deliveries)
            out.line(`  ${id}  ${endpoint_id}  `, statusText(status));
          out.line(onOneLine(payload));
        });
      }),
    );
}

const withFilters = (command: Command): Command =>
  withTimes(withLimit(command))
    .option('--tenant <tenant>', 'of this tenant')
    .option('--type <type>', 'of this event type');
