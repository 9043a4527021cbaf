import { ask } from './confirm.js';
import type { Connected } from './connect.js';
import { defined } from '../lib/defined.js';
import { deliveryFilters, type DeliveryFilters } from './delivery-filters.js';
import { EXIT_CODES, ExitError } from './exit-codes.js';
import type { Io } from './io.js';
import { planned, writeBatch, type Batch } from './replay-plan.js';
import { watchBatch } from './replay-watch.js';

export interface NewReplay extends DeliveryFilters {
  batch?: string;
  missing?: boolean;
  includeDelivered?: boolean;
  dryRun?: boolean;
  yes?: boolean;
  count?: number;
  rate?: number;
  note?: string;
  /** False with `--no-watch`. */
  watch: boolean;
}

/** Shows what would be delivered again, asks, starts exactly that, and watches it. */
export async function newReplay(
  connected: Connected,
  io: Io,
  ids: string[],
  options: NewReplay,
): Promise<void> {
  const { client, out } = connected;
  const made = await client.batches.create({
    ...choice(ids, options),
    ...defined({ include_delivered: options.includeDelivered, note: options.note }),
    dry_run: true,
  });
  const plan = await planned(connected, made);
  writeBatch(out, plan);
  if (options.dryRun) return;
  const eligible = plan.plan?.eligible ?? 0;
  if (eligible === 0) return out.note('Nothing to deliver again.');
  await confirm(io, plan, eligible, options);
  const started = await client.batches.start(
    plan.id,
    defined({ rate_per_second: options.rate, note: options.note }),
  );
  if (!options.watch) return writeBatch(out, started);
  out.note(`started as ${started.id}`);
  await watchBatch(connected, io, started.id);
}

function choice(ids: string[], options: NewReplay) {
  const { batch, missing } = options;
  if (ids.length > 0) return { delivery_ids: ids, ...defined({ tenant: options.tenant }) };
  const filter = { ...deliveryFilters(options), ...defined({ batch_id: batch, missing }) };
  if (Object.keys(filter).length === 0)
    throw new ExitError(
      EXIT_CODES.usage,
      'Say what to deliver again: ids, or options such as --status and --from.',
    );
  return { filter };
}

/** The number must be that of the plan: who starts a replay has read how large it is. */
async function confirm(io: Io, { id }: Batch, eligible: number, { yes, count }: NewReplay): Promise<void> {
  if (yes) return;
  const later = `Not started. It is kept: surehook replay start ${id}`;
  if (count !== undefined) {
    if (count === eligible) return;
    throw new ExitError(EXIT_CODES.conflict, `--count is ${count}, and the plan has ${eligible}. ${later}`);
  }
  if (!io.stdin.isTTY || !io.stderr.isTTY)
    throw new ExitError(EXIT_CODES.usage, `Confirm it with --count ${eligible} or --yes. ${later}`);
  const answer = await ask(io, `Type ${eligible} to deliver these again: `);
  if (answer !== String(eligible)) throw new ExitError(EXIT_CODES.interrupted, later);
}
