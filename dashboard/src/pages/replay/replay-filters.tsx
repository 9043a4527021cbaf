import { FilterBar, type Filter } from '../../components/filter-bar';
import { CLASSIFICATION_WORDS, CLASSIFICATIONS, STATUS_WORDS } from '../../lib/words';
import type { NewReplaySearch } from './search';

type Name = 'status' | 'classification' | 'tenant' | 'endpoint_id' | 'event_type' | 'batch_id';

const ENDPOINT: Filter<Name> = { name: 'endpoint_id', label: 'Endpoint id', width: 220 };
const TYPE: Filter<Name> = { name: 'event_type', label: 'Event type' };
const DELIVERIES: readonly Filter<Name>[] = [
  {
    name: 'status',
    label: 'Status',
    hint: 'Failed',
    options: (['FAILED', 'CANCELLED', 'DELIVERED'] as const).map((value) => ({
      value,
      label: STATUS_WORDS[value].label,
    })),
    width: 130,
  },
  {
    name: 'classification',
    label: 'Cause',
    options: CLASSIFICATIONS.map((value) => ({ value, label: CLASSIFICATION_WORDS[value].label })),
  },
  { name: 'tenant', label: 'Tenant', width: 140 },
  ENDPOINT,
  TYPE,
  { name: 'batch_id', label: 'Replay id', width: 220 },
];

/** The filters of deliveries that have ended, or of events that an endpoint missed. */
export const ReplayFilters = ({
  kind,
  search,
  onChange,
}: {
  kind: 'filter' | 'missing';
  search: NewReplaySearch;
  onChange: (changed: Partial<NewReplaySearch>) => void;
}) => (
  <FilterBar
    filters={kind === 'filter' ? DELIVERIES : [ENDPOINT, TYPE]}
    values={search}
    onChange={(changed) => onChange(changed as Partial<NewReplaySearch>)}
    time="Accepted"
  />
);
