import { z } from 'zod';
import * as fields from './fields.js';
import { replayLines, replayShape, shownReplay, type Replay } from './replay-shape.js';
import { writeTool } from './tool.js';

const start = writeTool(
  'write_start_replay',
  { destructive: true, idempotent: true },
  {
    title: 'Start a replay',
    description:
      'Sends webhooks: delivers again exactly what a plan of read_replay_plan holds. Show its count to the person in charge first, and give it back here.',
    input: {
      plan_id: z.string().describe('The id of the plan.'),
      eligible: fields.count.describe('The count of the plan, as read_replay_plan answered it.'),
      rate_per_second: z.number().min(0).exactOptional().describe('Default: that of the plan; 0: no limit.'),
      reason: fields.reason,
    },
    output: replayShape,
    async run({ batches }, { plan_id, eligible, reason, ...rate }, options) {
      requireCount(await batches.get(plan_id, options), eligible);
      const batch = await batches.start(plan_id, { note: reason, ...rate }, options);
      return { text: [`Started as ${batch.id}.`, ...replayLines(batch)], data: shownReplay(batch) };
    },
  },
);

/** The count proves that the agent has seen the plan that it starts. */
function requireCount({ id, status, plan }: Replay, eligible: number): void {
  if (status !== 'DRY_RUN' || plan === null)
    throw new Error(
      `${id} is ${status}: only a plan that is DRY_RUN is started. Make one with read_replay_plan.`,
    );
  if (plan.eligible !== eligible)
    throw new Error(
      `${id} would deliver ${plan.eligible} again, not ${eligible}: nothing was started. Read the plan again, and show its count.`,
    );
}

const change = writeTool(
  'write_change_replay',
  { destructive: true, idempotent: true },
  {
    title: 'Pause, resume or cancel a replay',
    description:
      'Pauses a running replay, resumes it, or cancels it for good: what has not begun is not delivered.',
    input: {
      replay_id: z.string(),
      action: z.enum(['pause', 'resume', 'cancel']),
      reason: fields.reason,
    },
    output: replayShape,
    async run({ batches }, { replay_id, action, reason }, options) {
      const batch = await batches[action](replay_id, { reason }, options);
      return { text: replayLines(batch), data: shownReplay(batch) };
    },
  },
);

export const writeReplays = [start, change];
