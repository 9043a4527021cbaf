import { queryOptions, type InfiniteData, type QueryClient } from '@tanstack/react-query';
import { isOpen } from '../../../src/domain/delivery';
import { resolved } from '../lib/time-range';
import type { DeliveriesSearch } from '../pages/deliveries/search';
import { api, data } from './client';
import { readAgainIn } from './read-again';
import type { Delivery, DeliveryWithAttempts } from './types';
import type { Page } from './with-head';

/** The first page is read often, the others as fast as one can scroll. */
const LIMIT = { first: 100, others: 250 };

export const readDeliveries = (search: DeliveriesSearch) => (cursor: string | undefined) => {
  const limit = cursor === undefined ? LIMIT.first : LIMIT.others;
  return data(api.GET('/v1/deliveries', { params: { query: { ...resolved(search), limit, cursor } } }));
};

/** A delivery with its attempts; read again until it has ended, each second while an attempt is due. */
export const deliveryQuery = (id: string) =>
  queryOptions({
    queryKey: ['delivery', id],
    queryFn: () => data(api.GET('/v1/deliveries/{id}', { params: { path: { id } } })),
    refetchInterval: ({ state: { data, error } }) => readAgainIn(data && [data], error, 1_000),
  });

/** Makes the next attempt now. The delivery shown may be old: one that has ended meanwhile is refused, not sent again. */
export const retryOpenDelivery = (id: string) =>
  data(api.POST('/v1/deliveries/{id}/retry', { params: { path: { id } }, body: { only_open: true } }));

/** Retries a delivery as it is shown: an open one now, an ended one as a new delivery. */
export const retryDelivery = (delivery: Delivery) =>
  isOpen(delivery)
    ? retryOpenDelivery(delivery.id)
    : data(api.POST('/v1/deliveries/{id}/retry', { params: { path: { id: delivery.id } }, body: {} }));

export const cancelDelivery = (id: string, reason?: string) =>
  data(api.POST('/v1/deliveries/{id}/cancel', { params: { path: { id } }, body: { reason } }));

/** Shows a delivery as a change left it, in its page and in all lists, which need not be read again as a whole. */
export function putDelivery(queryClient: QueryClient, changed: DeliveryWithAttempts): void {
  queryClient.setQueryData(deliveryQuery(changed.id).queryKey, changed);
  const row: Partial<DeliveryWithAttempts> = { ...changed };
  delete row.attempts;
  const lists = {
    queryKey: ['deliveries'],
    predicate: ({ state }: { state: { data?: unknown } }) => isPaged(state.data),
  };
  queryClient.setQueriesData<InfiniteData<Page<Delivery>>>(lists, (list) => {
    if (!list?.pages.some((page) => page.data.some(({ id }) => id === changed.id))) return list;
    const pages = list.pages.map((page) => ({
      ...page,
      data: page.data.map((one) => (one.id === changed.id ? (row as Delivery) : one)),
    }));
    return { ...list, pages };
  });
  void queryClient.invalidateQueries({ queryKey: ['event', changed.event_id] });
}

const isPaged = (list: unknown): boolean => typeof list === 'object' && list !== null && 'pages' in list;
