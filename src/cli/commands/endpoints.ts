import type { Command } from 'commander';
import { defined } from '../../lib/defined.js';
import type { Row } from '../../client/index.js';
import { addEndpointActions } from '../endpoint-actions.js';
import { addEndpointChanges } from '../endpoint-changes.js';
import type { Io } from '../io.js';
import { oneOf, withLimit, writeList, type ListOptions } from '../list.js';
import type { Column } from '../output.js';
import { statusText } from '../status-text.js';
import { withClient } from '../with-client.js';
import { writeEndpoint } from '../write-endpoint.js';

const STATUSES = ['enabled', 'paused', 'disabled'] as const;

interface ListFilters extends ListOptions {
  tenant?: string;
  status?: (typeof STATUSES)[number];
  type?: string;
}

const COLUMNS: Column<Row<'listEndpoints'>>[] = [
  { title: 'ID', cell: ({ id }) => id },
  { title: 'STATUS', cell: ({ status }) => statusText(status) },
  { title: 'TENANT', cell: ({ tenant }) => tenant },
  { title: 'EVENT TYPES', cell: ({ event_types }) => event_types.join(',') },
  { title: 'URL', cell: ({ url }) => url },
];

/** `surehook endpoints`: the receivers. */
export function addEndpoints(program: Command, io: Io): void {
  const endpoints = program.command('endpoints').description('Manage the receivers of webhooks.');

  withLimit(endpoints.command('list').description('List endpoints, newest first.'))
    .option('--tenant <tenant>', 'of this tenant')
    .option('--status <status>', STATUSES.join(', '), oneOf(STATUSES))
    .option('--type <type>', 'that subscribe to this event type')
    .action(
      withClient(io, ({ client, out }, { type, ...filters }: ListFilters) =>
        writeList(
          out,
          filters,
          (limit) => client.endpoints.list(defined({ ...filters, event_type: type, limit })),
          COLUMNS,
        ),
      ),
    );

  endpoints
    .command('get')
    .description('Show an endpoint with its settings.')
    .argument('<id>', 'such as ep_…')
    .action(
      withClient(io, async ({ client, out }, id: string) =>
        writeEndpoint(out, await client.endpoints.get(id)),
      ),
    );

  addEndpointChanges(endpoints, io);
  addEndpointActions(endpoints, io);
}
