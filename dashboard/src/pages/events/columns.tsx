import type { ListedEvent } from '../../api/types';
import { Tag } from '../../components/tag';
import { RowLink } from '../../components/row-link';
import type { Column } from '../../components/row-list';
import { TimeAgo } from '../../components/time-ago';
import { count } from '../../lib/format';
import { outcomeInWords } from '../../lib/outcome-words';
import { STATUS_WORDS } from '../../lib/words';

export const EVENT_COLUMNS: readonly Column<ListedEvent>[] = [
  {
    header: 'Event type',
    width: '1.4fr',
    narrow: 'title',
    cell: ({ id, type }) => <RowLink to={`/events/${id}`}>{type}</RowLink>,
  },
  { header: 'Tenant', width: '140px', cell: ({ tenant }) => tenant },
  {
    header: 'Idempotency key',
    width: '2fr',
    cell: ({ idempotency_key }) => <span title={idempotency_key}>{idempotency_key}</span>,
  },
  { header: 'Outcome', width: '1.6fr', cell: outcome },
  {
    header: 'Accepted',
    width: '110px',
    align: 'right',
    narrow: 'side',
    cell: ({ created_at }) => <TimeAgo at={created_at} />,
  },
];

/** A search, and an event to very many endpoints, have only the number of deliveries. */
function outcome({ outcome, delivery_count: made }: ListedEvent) {
  if (outcome === undefined && made !== 0)
    return made === null ? 'being made …' : `${count(made)} ${made === 1 ? 'delivery' : 'deliveries'}`;
  const words = outcomeInWords(outcome ?? {}, (status) => STATUS_WORDS[status].label);
  if (words === null) return <Tag color="orange">No endpoint</Tag>;
  return (
    <Tag color={STATUS_WORDS[words.status].color} title={words.label}>
      {words.label}
    </Tag>
  );
}
