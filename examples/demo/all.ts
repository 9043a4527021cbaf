import { ended, waitFor, type Accepted, type Api, type Endpoint } from './api.js';
import { PAYLOADS, SKIPPED } from './payloads.js';
import type { Receivers } from './receivers.js';

const AT_ONCE = 16;

/** Every example payload that GitHub's community has collected, to one healthy endpoint of another tenant. */
export async function runAll({ api, receivers }: { api: Api; receivers: Receivers }) {
  const hook = receivers.addHook('/all');
  const { secret } = await api.send<Endpoint>('POST', '/v1/endpoints', {
    url: receivers.http + hook.path,
    event_types: ['github.*'],
    tenant: 'everything',
  });
  hook.secret = secret;

  const began = Date.now();
  const accepted: (Accepted & { text: string })[] = [];
  await eachOf(PAYLOADS, async ({ event, text }) => {
    const body = `{"type":"github.${event}","tenant":"everything","payload":${text}}`;
    const answer = await api.call<Accepted>('POST', '/v1/events', body);
    if (answer.status === 202) accepted.push({ ...answer.body, text });
  });
  let delivered = 0;
  let intact = 0;
  await eachOf(accepted, async ({ id, deliveries, text }) => {
    const [delivery] = deliveries;
    if (delivery && (await waitFor(api, delivery.id, ended)).status === 'DELIVERED') delivered++;
    if (hook.bodies.get(id) === text) intact++;
  });
  const seconds = (Date.now() - began) / 1_000;

  const { verified, unverified } = hook;
  const posted = PAYLOADS.length;
  const asExpected = [delivered, verified, intact].every((count) => count === posted) && unverified === 0;
  return { posted, skipped: SKIPPED, delivered, verified, intact, seconds, asExpected };
}

async function eachOf<T>(items: T[], work: (item: T) => Promise<void>): Promise<void> {
  const rest = items.values();
  const next = async () => {
    for (const item of rest) await work(item);
  };
  await Promise.all(Array.from({ length: AT_ONCE }, next));
}
