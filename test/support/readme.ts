import { readFile } from 'node:fs/promises';
import { expect } from 'vitest';
import { createClient } from '../../src/client/index.js';
import { startReceiver } from './receiver.js';

/** The examples in a language that a document has. */
export async function examplesIn(file: string, language: string): Promise<string[]> {
  const text = await readFile(file, 'utf8');
  return [...text.matchAll(new RegExp(`^\`\`\`${language}\n([^]*?)^\`\`\``, 'gm'))].map(([, code]) => code!);
}

/**
 * The first example of a client does what it says: a webhook to a URL, for which a receiver stands in, and an event. The
 * event's key becomes a workflow id, so it is one of the language's own.
 */
export async function expectClientExample(
  file: string,
  language: string,
  { SUREHOOK_URL: url, SUREHOOK_API_KEY: apiKey }: { SUREHOOK_URL: string; SUREHOOK_API_KEY: string },
  run: (code: string) => Promise<unknown>,
): Promise<void> {
  const [code] = await examplesIn(file, language);
  const receiver = await startReceiver();
  const key = `order-1002-${language}`;
  try {
    await run(code!.replace('https://example.com/hook', receiver.url).replace('order-1002', key));
    await receiver.waitFor(({ length }) => length > 0);
    expect(receiver.requests.map(({ body }) => JSON.parse(body) as unknown)).toEqual([{ hello: 'world' }]);
    const { data } = await createClient({ url, apiKey }).events.list({ type: 'order.created' });
    const events = data.filter(({ idempotency_key }) => idempotency_key === key);
    expect(events).toMatchObject([{ tenant: 'default' }]);
    const { payload } = await createClient({ url, apiKey }).events.get(events[0]!.id);
    expect(payload).toEqual({ order_id: '1002' });
  } finally {
    await receiver.close();
  }
}
