import { setTimeout as sleep } from 'node:timers/promises';
import type { Connected } from './connect.js';
import { EXIT_CODES, ExitError } from './exit-codes.js';
import type { Io } from './io.js';
import type { Batch } from './replay-plan.js';

const POLL_MS = 500;
const BAR_WIDTH = 24;

/** Shows a replay until it has ended; Ctrl-C ends the watching only. Throws where not everything was delivered. */
export async function watchBatch(connected: Connected, io: Io, id: string): Promise<void> {
  const interrupt = new AbortController();
  const onInterrupt = () => interrupt.abort();
  process.on('SIGINT', onInterrupt);
  try {
    requireDelivered(await follow(connected, io, id, interrupt.signal));
  } catch (error) {
    if (!interrupt.signal.aborted) throw error;
    connected.out.note(
      `It goes on: surehook replay watch ${id} shows it, surehook replay cancel ${id} ends it.`,
    );
    throw new ExitError(EXIT_CODES.interrupted);
  } finally {
    process.off('SIGINT', onInterrupt);
  }
}

/** Writes each change of a replay, on a terminal over the line before; returns it when it has ended. */
async function follow(
  { client, out }: Connected,
  { stderr }: Io,
  id: string,
  signal: AbortSignal,
): Promise<Batch> {
  const isOneLine = stderr.isTTY === true && !out.json;
  let shown = '';
  try {
    for (;;) {
      const batch = await client.batches.get(id, { signal });
      const text = progressText(batch);
      if (text !== shown) {
        if (out.json) out.object(batch);
        else if (isOneLine) stderr.write(`\r\x1b[2K${text}`);
        else out.note(text);
      }
      shown = text;
      if (hasEnded(batch)) return batch;
      await sleep(POLL_MS, undefined, { signal });
    }
  } finally {
    if (isOneLine) stderr.write('\n');
  }
}

/** `[############------------] 20/40  RUNNING  delivered 17  failed 3  open 5` */
function progressText(batch: Batch): string {
  const eligible = batch.plan?.eligible ?? batch.planned_count;
  const { delivered_count, failed_count, cancelled_count, open_count, skipped_at_turn_count } = batch;
  const ended = delivered_count + failed_count + cancelled_count + skipped_at_turn_count;
  const filled = eligible === 0 ? BAR_WIDTH : Math.floor((BAR_WIDTH * Math.min(ended, eligible)) / eligible);
  const bar = '#'.repeat(filled) + '-'.repeat(BAR_WIDTH - filled);
  const counts = [
    ['delivered', delivered_count],
    ['failed', failed_count],
    ['cancelled', cancelled_count],
    ['left out', skipped_at_turn_count],
    ['open', open_count],
  ]
    .filter(([, count]) => count !== 0)
    .map(([name, count]) => `  ${name} ${count}`);
  return `[${bar}] ${ended}/${eligible}  ${batch.status}${counts.join('')}`;
}

/** A cancelled replay has ended when no attempt of its deliveries is under way. */
const hasEnded = ({ status, completed_at }: Batch): boolean =>
  ['DRY_RUN', 'COMPLETED', 'FAILED'].includes(status) || (status === 'CANCELLED' && completed_at !== null);

function requireDelivered({ status, status_reason, failed_count, plan }: Batch): void {
  if (status === 'FAILED' || status === 'CANCELLED')
    throw new ExitError(
      EXIT_CODES.failed,
      `The replay is ${status}${status_reason ? `: ${status_reason}` : '.'}`,
    );
  if (failed_count > 0)
    throw new ExitError(EXIT_CODES.failed, `${failed_count} of ${plan?.eligible} deliveries failed.`);
}
