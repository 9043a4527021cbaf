import { z } from 'zod';

const text = z.string().min(1).optional().catch(undefined);

/** The filters of the list of events, as in `GET /v1/events`; `text`: searched for in payloads. */
export const eventsSearch = z.object({
  tenant: text,
  type: text,
  idempotency_key: text,
  text,
  from: text,
  to: text,
});
export type EventsSearch = z.output<typeof eventsSearch>;
