import type { Filter } from '../../components/filter-bar';
import { MIN_TEXT } from './search';

/** The filters of `GET /v1/events`, but for the time; `text` is searched for by `GET /v1/events/search`. */
export const EVENT_FILTERS = [
  { name: 'type', label: 'Event type', width: 160 },
  { name: 'tenant', label: 'Tenant', width: 130 },
  { name: 'idempotency_key', label: 'Idempotency key', width: 170 },
  { name: 'text', label: 'Text in the payload', hint: '3 letters or more', width: 220, minLength: MIN_TEXT },
] as const satisfies readonly Filter<string>[];
