import { queryOptions } from '@tanstack/react-query';
import { memberText } from '../../../src/domain/raw-json';
import { api, data } from './client';
import type { components } from './schema';

/** `payload`: its text as it was posted, which JSON.parse would not keep: it rounds big numbers. */
export type EventWithText = Omit<components['schemas']['Event'], 'payload'> & { payload: string };

export async function readEvent(id: string): Promise<EventWithText> {
  const text = await data(api.GET('/v1/events/{id}', { params: { path: { id } }, parseAs: 'text' }));
  const event = JSON.parse(text) as components['schemas']['Event'];
  return { ...event, payload: memberText(text, 'payload') ?? 'null' };
}

export const eventQuery = (id: string) =>
  queryOptions({ queryKey: ['event', id], queryFn: () => readEvent(id) });
