import type { Command } from 'commander';
import { defined } from '../../lib/defined.js';
import type { Row } from '../../client/index.js';
import { explainDelivery } from '../explain-delivery.js';
import type { Io } from '../io.js';
import { withDeliveryFilters, deliveryFilters, type DeliveryFilters } from '../delivery-filters.js';
import { withLimit, writeList, type ListOptions } from '../list.js';
import type { Column } from '../output.js';
import { statusText } from '../status-text.js';
import { withClient } from '../with-client.js';

type ListFilters = ListOptions & DeliveryFilters & { event?: string; batch?: string };

const COLUMNS: Column<Row<'listDeliveries'>>[] = [
  { title: 'ID', cell: ({ id }) => id },
  { title: 'ACCEPTED', cell: ({ created_at }) => created_at },
  { title: 'STATUS', cell: ({ status }) => statusText(status) },
  { title: 'ATTEMPTS', cell: ({ attempt_count, max_attempts }) => `${attempt_count}/${max_attempts}` },
  { title: 'LAST', cell: ({ last_classification: last }) => last ?? '-' },
  { title: 'ENDPOINT', cell: ({ endpoint_id }) => endpoint_id },
  { title: 'TYPE', cell: ({ event_type }) => event_type },
];

/** `surehook deliveries`: what became of each event at each endpoint. */
export function addDeliveries(program: Command, io: Io): void {
  const deliveries = program.command('deliveries').description('Show, explain, retry and cancel deliveries.');

  withDeliveryFilters(withLimit(deliveries.command('list').description('List deliveries, newest first.')))
    .option('--event <id>', 'of this event')
    .option('--batch <id>', 'of this replay')
    .action(
      withClient(io, ({ client, out }, { event, batch, ...options }: ListFilters) => {
        const own = defined({ event_id: event, batch_id: batch });
        const filters = { ...deliveryFilters(options), ...own };
        return writeList(out, options, (limit) => client.deliveries.list({ ...filters, limit }), COLUMNS);
      }),
    );

  deliveries
    .command('get')
    .alias('explain')
    .description('Explain a delivery: every attempt, what came back, and what follows.')
    .argument('<id>', 'such as del_…')
    .action(
      withClient(io, async ({ client, out }, id: string) => {
        const delivery = await client.deliveries.get(id);
        out.result(delivery, () => explainDelivery(out, delivery));
      }),
    );

  const acts = [
    ['retry', 'Retry a delivery now; one that has ended becomes a new delivery.'],
    ['cancel', 'Cancel a delivery that has not ended.'],
  ] as const;
  for (const [act, description] of acts)
    deliveries
      .command(act)
      .description(description)
      .argument('<id>', 'such as del_…')
      .option('--reason <text>', 'for the audit')
      .action(
        withClient(io, async ({ client, out }, id: string, body: { reason?: string }) => {
          const delivery = await client.deliveries[act](id, body);
          out.result(delivery, () => out.table([delivery], COLUMNS));
        }),
      );
}
