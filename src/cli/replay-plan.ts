import { setTimeout as sleep } from 'node:timers/promises';
import type { Answer } from '../client/index.js';
import type { SkipReason } from '../domain/batch.js';
import { SKIP_WORDS } from '../domain/skip-words.js';
import type { Connected } from './connect.js';
import type { Output } from './output.js';
import { statusText } from './status-text.js';
import { bold, dim } from './text.js';

export type Batch = Answer<'getBatch'>;

const POLL_MS = 500;
/** Endpoints and event types that are listed. */
const MAX_LISTED = 10;

/** A batch once its plan is made: large ones take a while. */
export async function planned({ client }: Connected, batch: Batch): Promise<Batch> {
  while (batch.status === 'PLANNING') {
    await sleep(POLL_MS);
    batch = await client.batches.get(batch.id);
  }
  return batch;
}

/** Writes a replay: its state, and what its plan delivers and skips. */
export function writeBatch(out: Output, batch: Batch): void {
  out.result(batch, () => {
    const { id, status, status_reason, note, created_by, plan } = batch;
    out.line(
      bold(id),
      '  ',
      statusText(status),
      dim(`  by ${created_by}${note === null ? '' : `: ${note}`}`),
    );
    if (status_reason !== null) out.line(`  ${status_reason}`);
    if (plan === null) return;
    out.line(`  ${plan.eligible} of ${plan.total} would be delivered again`);
    for (const { endpoint_id, count } of plan.by_endpoint.slice(0, MAX_LISTED))
      out.line(`    ${count}  to ${endpoint_id}`);
    for (const { event_type, count } of plan.by_event_type.slice(0, MAX_LISTED))
      out.line(`    ${count}  of ${event_type}`);
    for (const [reason, count] of Object.entries(plan.skipped_by_reason) as [SkipReason, number][])
      out.line(dim(`    ${count}  left out: ${SKIP_WORDS[reason] ?? reason}`));
  });
}
