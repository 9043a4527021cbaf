import { z } from 'zod';
import type { Answer } from '../client/index.js';
import { BATCH_STATUSES } from '../domain/batch.js';
import * as fields from './fields.js';
import { short } from './foreign.js';

/** Groups of a plan in an answer. */
const MAX_GROUPS = 20;

/** A replay, or the plan of one, as tools answer it. */
export const replayShape = {
  id: z.string(),
  status: z.enum(BATCH_STATUSES).describe('DRY_RUN: a plan that can be started.'),
  note: z.string().nullable(),
  created_by: z.string(),
  created_at: z.string(),
  total: fields.count.nullable().describe('Deliveries that were selected; null while PLANNING.'),
  eligible: fields.count
    .nullable()
    .describe('Those that would be delivered again: what a start has to name.'),
  skipped: z.record(z.string(), fields.count).describe('The others, by reason.'),
  by_endpoint: z.array(z.object({ endpoint_id: z.string(), count: fields.count })),
  by_event_type: z.array(z.object({ event_type: z.string(), count: fields.count })),
  rate_per_second: z.number().describe('0: no limit.'),
  remaining_count: fields.count,
  delivered_count: fields.count,
  failed_count: fields.count,
  open_count: fields.count,
};
export type Replay = Answer<'getBatch'>;

export function shownReplay(batch: Replay): z.output<z.ZodObject<typeof replayShape>> {
  const { id, status, note, created_by, created_at, plan, rate_per_second } = batch;
  const { remaining_count, delivered_count, failed_count, open_count } = batch;
  return {
    ...{ id, status, created_by, created_at, rate_per_second },
    note: note && short(note),
    total: plan && plan.total,
    eligible: plan && plan.eligible,
    skipped: plan?.skipped_by_reason ?? {},
    by_endpoint: plan?.by_endpoint.slice(0, MAX_GROUPS) ?? [],
    by_event_type: plan?.by_event_type.slice(0, MAX_GROUPS) ?? [],
    ...{ remaining_count, delivered_count, failed_count, open_count },
  };
}

export function replayLines({ id, status, plan, ...batch }: Replay): string[] {
  if (status === 'PLANNING') return [`${id} is still planning: ask read_replay for it.`];
  if (status === 'DRY_RUN' && plan) {
    const skipped = Object.entries(plan.skipped_by_reason).map(([reason, count]) => `${count} ${reason}`);
    return [
      `Plan ${id}: ${plan.eligible} of ${plan.total} deliveries would be delivered again${skipped.length > 0 ? `, skipped: ${skipped.join(', ')}` : ''}.`,
      ...plan.by_endpoint
        .slice(0, MAX_GROUPS)
        .map(({ endpoint_id, count }) => `  ${count} to ${endpoint_id}`),
      `Nothing is sent. To start it: write_start_replay with this plan and ${plan.eligible}.`,
    ];
  }
  const { delivered_count, failed_count, open_count, remaining_count } = batch;
  return [
    `${id} is ${status}: ${delivered_count} delivered, ${failed_count} failed, ${open_count} open, ${remaining_count} not begun.`,
  ];
}
