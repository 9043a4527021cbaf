import { SegmentedControl } from '@mantine/core';
import { useQueryClient } from '@tanstack/react-query';
import { useNavigate, useSearch } from '@tanstack/react-router';
import { useEffect } from 'react';
import { api, data } from '../../api/client';
import type { Batch, BatchItem } from '../../api/types';
import { usePages } from '../../api/use-pages';
import { StatusBadge } from '../../components/badges';
import { Empty } from '../../components/empty';
import { PagedList } from '../../components/paged-list';
import { EndpointName } from '../../components/endpoint-name';
import { RowLink } from '../../components/row-link';
import type { Column } from '../../components/row-list';
import { Section } from '../../components/section';
import { SKIP_WORDS } from '../../../../src/domain/skip-words';

/** Rows that are read again when the batch has gone on; more would be many requests each second. */
const MAX_LIVE_ROWS = 200;

const STATES = [
  { value: 'all', label: 'All' },
  { value: 'PLANNED', label: 'To replay' },
  { value: 'CREATED', label: 'Made' },
  { value: 'SKIPPED', label: 'Left out' },
];

const COLUMNS: Column<BatchItem>[] = [
  { header: '#', width: '56px', narrow: 'hidden', cell: ({ number }) => number },
  { header: 'Delivery', width: '3fr', narrow: 'title', cell: delivery },
  { header: 'Endpoint', width: '3fr', cell: ({ endpoint_id: id }) => id && <EndpointName id={id} /> },
  { header: 'State', width: '3fr', narrow: 'side', cell: state },
];

/** The deliveries of a batch one by one, in the order of their turns. */
export function Items({ batch }: { batch: Batch }) {
  const { items: status } = useSearch({ from: '/signed-in/replay/$id' });
  const navigate = useNavigate({ from: '/replay/$id' });
  const queryClient = useQueryClient();
  const params = { path: { id: batch.id } };
  const list = usePages(['batches', batch.id, 'items', status], (cursor) =>
    data(api.GET('/v1/batches/{id}/items', { params: { ...params, query: { status, cursor, limit: 100 } } })),
  );
  const isShort = list.rows.length <= MAX_LIVE_ROWS;
  const place = [
    batch.planned_count,
    batch.created_count,
    batch.skipped_at_turn_count,
    batch.open_count,
  ].join();
  useEffect(() => {
    if (isShort) void queryClient.invalidateQueries({ queryKey: ['batches', batch.id, 'items'] });
  }, [queryClient, batch.id, place, isShort]);
  return (
    <Section
      title="Deliveries"
      actions={
        <SegmentedControl
          size="xs"
          aria-label="State"
          data={STATES}
          value={status ?? 'all'}
          onChange={(value) =>
            void navigate({
              search: { items: value === 'all' ? undefined : (value as NonNullable<typeof status>) },
              replace: true,
              resetScroll: false,
            })
          }
        />
      }
    >
      <PagedList
        label="Deliveries"
        list={list}
        columns={COLUMNS}
        idOf={idOf}
        empty={
          <Empty title="None">
            {status === undefined
              ? 'The choice found no delivery.'
              : 'No delivery of this replay is in this state.'}
          </Empty>
        }
      />
    </Section>
  );
}

/** Links to the new delivery once there is one, else to the old one. */
function delivery({ delivery_id, source_delivery_id, event_id }: BatchItem) {
  const id = delivery_id ?? source_delivery_id;
  if (id !== null) return <RowLink to={`/deliveries/${id}`}>{id}</RowLink>;
  return event_id === null ? '—' : <RowLink to={`/events/${event_id}`}>{event_id}</RowLink>;
}

function state({ status, reason, delivery_status }: BatchItem) {
  if (delivery_status) return <StatusBadge status={delivery_status} />;
  if (status === 'SKIPPED') return reason ? `Left out: ${SKIP_WORDS[reason]}` : 'Left out';
  return status === 'PLANNED' ? 'To replay' : 'Made';
}

const idOf = ({ number }: BatchItem) => String(number);
