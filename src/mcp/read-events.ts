import { z } from 'zod';
import { onOneLine } from '../cli/text.js';
import type { Answer, Row } from '../client/index.js';
import { memberText } from '../domain/raw-json.js';
import * as fields from './fields.js';
import { foreign, foreignText, quoted, short } from './foreign.js';
import { readTool } from './tool.js';

const MAX_PAYLOAD = 4_000;

const shape = {
  id: z.string(),
  type: z.string(),
  tenant: z.string(),
  idempotency_key: z.string(),
  created_at: z.string(),
  delivery_count: fields.count.nullable().describe('Null while deliveries are being made.'),
};

const shown = ({ id, type, tenant, idempotency_key, created_at, delivery_count }: Row<'listEvents'>) => ({
  ...{ id, type, tenant, created_at, delivery_count },
  idempotency_key: short(idempotency_key),
});

const line = (event: Row<'listEvents'>) =>
  `${event.id} ${event.type} of ${event.tenant}, ${event.created_at}, ${event.delivery_count ?? '?'} deliveries`;

const search = readTool('read_events', {
  title: 'Search events by their payload',
  description:
    'Finds events whose payload holds a text, such as an order number, newest first. A page examines a bounded number of events: go on by next_cursor, also after an empty page.',
  input: {
    text: z.string().min(3).max(200).describe('Part of the payload; upper and lower case are alike.'),
    tenant: fields.tenant.exactOptional(),
    type: z.string().exactOptional().describe('Such as order.created.'),
    ...fields.period,
    ...fields.page,
  },
  output: { events: z.array(z.object(shape)), next_cursor: fields.nextCursor },
  async run({ events }, filters, options) {
    const { data, next_cursor } = await events.search(filters, options);
    const lines = data.length > 0 ? data.map(line) : ['No event of this page matches.'];
    return {
      text: [...lines, ...fields.more(next_cursor)],
      data: { events: data.map(shown), next_cursor },
    };
  },
});

const get = readTool('read_event', {
  title: 'Show an event',
  description: 'Shows an event with its deliveries and its payload, which is untrusted text.',
  input: { event_id: fields.eventId },
  output: {
    ...shape,
    deliveries: z
      .array(z.object({ id: z.string(), endpoint_id: z.string(), status: fields.status }))
      .describe('The first 100.'),
    payload: foreignText,
  },
  async run({ events }, { event_id }, options) {
    const json = await events.text(event_id, options);
    const event = JSON.parse(json) as Answer<'getEvent'>;
    // Parsing would change numbers of the payload, such as an order number above 2^53.
    const payload = foreign(onOneLine(memberText(json, 'payload') ?? ''), MAX_PAYLOAD);
    const deliveries = event.deliveries.map(({ id, endpoint_id, status }) => ({ id, endpoint_id, status }));
    return {
      text: [
        line(event),
        ...deliveries.map(({ id, endpoint_id, status }) => `  ${id} to ${endpoint_id}: ${status}`),
        quoted('Payload', payload),
      ],
      data: { ...shown(event), deliveries, payload },
    };
  },
});

export const readEvents = [search, get];
