import type { Answer, CanaryRun } from './canary-run.js';

interface Page {
  data: { id: string }[];
  next_cursor: string | null;
}

/** Everything that can be read. */
export async function readAll(run: CanaryRun): Promise<void> {
  const { call } = run;
  const ids = new Set<string>();
  for (const list of [
    'endpoints',
    'events',
    'deliveries',
    'audit',
    'batches',
    'tenants',
    'api-keys',
    'portal-sessions',
  ])
    for (let cursor: string | null = ''; cursor !== null;) {
      const page: string = `limit=250${cursor && `&cursor=${cursor}`}`;
      const { body }: Answer<Page> = await call<Page>('GET', `/v1/${list}?${page}`);
      if (['endpoints', 'events', 'deliveries'].includes(list))
        for (const { id } of body.data) ids.add(`/v1/${list}/${id}`);
      cursor = body.next_cursor;
    }
  for (const path of [...ids, '/v1/events?after=', '/v1/control', '/metrics', '/readyz', '/healthz'])
    await call('GET', path);
}
