import { expect } from 'vitest';
import type { StoredBatch, StoredItem } from '../../src/db/batch-state.js';
import type { BatchStatus } from '../../src/domain/batch.js';
import { eventually, type TestService } from './service.js';

export type Batch = StoredBatch & { workflow_id: string };

/** HTTP calls for replay batches. */
export function batchCalls(t: TestService) {
  const get = async (id: string) => (await t.call<Batch>('GET', `/v1/batches/${id}`)).body;
  return {
    get,
    async create(body: Record<string, unknown>): Promise<Batch> {
      const answer = await t.call<Batch>('POST', '/v1/batches', body);
      expect(answer, JSON.stringify(answer.body)).toMatchObject({ status: 201 });
      // On a busy machine, the answer comes before the plan.
      return eventually(async () => {
        const batch = answer.body.status === 'PLANNING' ? await get(answer.body.id) : answer.body;
        return batch.status !== 'PLANNING' && batch;
      });
    },
    post: <T = Batch>(id: string, verb: string, body?: unknown) =>
      t.call<T>('POST', `/v1/batches/${id}/${verb}`, body),
    batchIn: (id: string, statuses: BatchStatus[], ms?: number) =>
      eventually(async () => {
        const batch = await get(id);
        return statuses.includes(batch.status) && batch;
      }, ms),
    /** Resolves once `completed_at` is set. */
    ended: (id: string, ms?: number) =>
      eventually(async () => {
        const batch = await get(id);
        return batch.completed_at !== null && batch;
      }, ms),
    async itemsOf(id: string, query = ''): Promise<StoredItem[]> {
      const items: StoredItem[] = [];
      for (let cursor = ''; ;) {
        const path = `/v1/batches/${id}/items?limit=250${query}${cursor}`;
        const { body } = await t.call<{ data: StoredItem[]; next_cursor: string | null }>('GET', path);
        items.push(...body.data);
        if (body.next_cursor === null) return items;
        cursor = `&cursor=${body.next_cursor}`;
      }
    },
    /** Audit entries as [action, actor, reason], oldest first. */
    async actionsOn(id: string) {
      type Entry = { action: string; actor: string; reason: string | null };
      const { body } = await t.call<{ data: Entry[] }>('GET', `/v1/audit?object=${id}`);
      return body.data.reverse().map(({ action, actor, reason }) => [action, actor, reason]);
    },
  };
}
