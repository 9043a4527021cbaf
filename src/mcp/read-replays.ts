import { z } from 'zod';
import * as fields from './fields.js';
import { replayLines, replayShape, shownReplay } from './replay-shape.js';
import { readTool } from './tool.js';

const plan = readTool('read_replay_plan', {
  title: 'Dry run of a replay',
  description:
    'Plans to deliver ended deliveries again, chosen by ids or by a filter, and says how many, to whom, and which are skipped. The plan is kept, nothing is sent. Needs the role operator.',
  input: {
    delivery_ids: z.array(fields.deliveryId).min(1).max(1_000).exactOptional(),
    filter: z
      .strictObject({ status: z.array(fields.status).min(1).exactOptional(), ...fields.deliveryFilter })
      .exactOptional()
      .describe('Without status: FAILED.'),
    include_delivered: z.boolean().default(false).describe('Deliver also what was DELIVERED.'),
    note: fields.reason.exactOptional(),
  },
  output: replayShape,
  async run({ batches }, selection, options) {
    const batch = await batches.create({ ...selection, dry_run: true }, options);
    return { text: replayLines(batch), data: shownReplay(batch) };
  },
});

const get = readTool('read_replay', {
  title: 'Show a replay',
  description: 'Shows the plan of a replay, and how far it is.',
  input: { replay_id: z.string().describe('Such as bat_01a20e0ddd2374b48c7f5c0148949876.') },
  output: replayShape,
  async run({ batches }, { replay_id }, options) {
    const batch = await batches.get(replay_id, options);
    return { text: replayLines(batch), data: shownReplay(batch) };
  },
});

export const readReplays = [plan, get];
