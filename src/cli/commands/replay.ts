import type { Command } from 'commander';
import type { Row } from '../../client/index.js';
import { defined } from '../../lib/defined.js';
import { withDeliveryFilters } from '../delivery-filters.js';
import type { Io } from '../io.js';
import { parseRate, withLimit, wholeNumber, writeList, type ListOptions } from '../list.js';
import type { Column } from '../output.js';
import { newReplay, type NewReplay } from '../replay-new.js';
import { writeBatch } from '../replay-plan.js';
import { watchBatch } from '../replay-watch.js';
import { statusText } from '../status-text.js';
import { withClient } from '../with-client.js';

const COLUMNS: Column<Row<'listBatches'>>[] = [
  { title: 'ID', cell: ({ id }) => id },
  { title: 'CREATED', cell: ({ created_at }) => created_at },
  { title: 'STATUS', cell: ({ status }) => statusText(status) },
  { title: 'ELIGIBLE', cell: ({ plan }) => String(plan?.eligible ?? '…') },
  { title: 'DELIVERED', cell: ({ delivered_count }) => String(delivered_count) },
  { title: 'FAILED', cell: ({ failed_count }) => String(failed_count) },
  { title: 'NOTE', cell: ({ note }) => note ?? '' },
];

const ACTS = [
  ['pause', 'Start no further delivery of a replay.'],
  ['resume', 'Let a paused replay go on.'],
] as const;

/** `surehook replay`: delivers again what has ended, after a dry run. */
export function addReplay(program: Command, io: Io): void {
  const replay = program.command('replay').description('Deliver again, after a dry run that shows what.');

  withDeliveryFilters(
    replay.command('new', { isDefault: true }).argument('[ids...]', 'deliveries, such as del_…'),
  )
    .description('Show what would be delivered again, ask, start it, and watch it (the default).')
    .option('--batch <id>', 'what failed in this replay')
    .option('--missing', 'events that never had a delivery to the --endpoint')
    .option('--include-delivered', 'also what was delivered')
    .option('--dry-run', 'only show it')
    .option('--count <n>', 'start without asking if exactly so many are eligible', wholeNumber)
    .option('--yes', 'start without asking')
    .option('--rate <n>', 'new deliveries a second (default: 50; 0: no limit)', parseRate)
    .option('--note <text>', 'for the audit')
    .option('--no-watch', 'end when it has started')
    .action(
      withClient(io, (connected, ids: string[], options: NewReplay) =>
        newReplay(connected, io, ids, options),
      ),
    );

  withLimit(replay.command('list').description('List replays, newest first.'))
    .option('--tenant <tenant>', 'of this tenant')
    .action(
      withClient(io, ({ client, out }, filters: ListOptions & { tenant?: string }) =>
        writeList(out, filters, (limit) => client.batches.list(defined({ ...filters, limit })), COLUMNS),
      ),
    );

  onBatch(replay, 'get', 'Show a replay.').action(
    withClient(io, async ({ client, out }, id: string) => writeBatch(out, await client.batches.get(id))),
  );

  onBatch(replay, 'watch', 'Show the progress of a replay until it ends.').action(
    withClient(io, (connected, id: string) => watchBatch(connected, io, id)),
  );

  onBatch(replay, 'start', 'Start a dry run, or the rest of a replay that was ended early.')
    .option('--rate <n>', 'new deliveries a second', parseRate)
    .option('--note <text>', 'for the audit')
    .action(
      withClient(io, async ({ client, out }, id: string, { rate, note }: { rate?: number; note?: string }) =>
        writeBatch(out, await client.batches.start(id, defined({ rate_per_second: rate, note }))),
      ),
    );

  for (const [act, description] of ACTS)
    onBatch(replay, act, description)
      .option('--reason <text>', 'for the audit')
      .action(
        withClient(io, async ({ client, out }, id: string, body: { reason?: string }) =>
          writeBatch(out, await client.batches[act](id, body)),
        ),
      );

  onBatch(replay, 'cancel', 'Cancel a replay; deliveries with an attempt go on with their retries.')
    .option('--running', 'cancel these, too')
    .option('--reason <text>', 'for the audit')
    .action(
      withClient(io, async ({ client, out }, id: string, body: { running?: boolean; reason?: string }) =>
        writeBatch(out, await client.batches.cancel(id, body)),
      ),
    );
}

const onBatch = (replay: Command, name: string, description: string): Command =>
  replay.command(name).description(description).argument('<id>', 'such as bat_…');
