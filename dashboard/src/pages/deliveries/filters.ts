import type { Filter } from '../../components/filter-bar';
import { DELIVERY_STATUSES } from '../../../../src/domain/delivery';
import { CLASSIFICATION_WORDS, CLASSIFICATIONS, STATUS_WORDS } from '../../lib/words';

const options = <Value extends string>(values: readonly Value[], words: Record<Value, { label: string }>) =>
  values.map((value) => ({ value, label: words[value].label }));

/** The filters of `GET /v1/deliveries`, but for the time. */
export const DELIVERY_FILTERS = [
  { name: 'status', label: 'Status', options: options(DELIVERY_STATUSES, STATUS_WORDS), width: 130 },
  {
    name: 'classification',
    label: 'Last answer',
    options: options(CLASSIFICATIONS, CLASSIFICATION_WORDS),
    width: 160,
  },
  { name: 'event_type', label: 'Event type', width: 160 },
  { name: 'tenant', label: 'Tenant', width: 130 },
  { name: 'endpoint_id', label: 'Endpoint id', hint: 'ep_…', width: 160, isRare: true },
  { name: 'event_id', label: 'Event id', hint: 'evt_…', width: 160, isRare: true },
  { name: 'batch_id', label: 'Replay id', hint: 'bat_…', width: 160, isRare: true },
] as const satisfies readonly Filter<string>[];
