import { endpoint, type Backdrop } from './backdrop.js';
import { cpuPer } from './floors.js';
import type { Product } from './product.js';
import type { Row } from './report.js';
import { outcome, settled, withProduct } from './scenarios.js';

const TYPES = 10;
const ENDPOINTS = 20;
const EVENTS = 4_000;
const ROUNDS = 5;

/** As the small payload of the load, with the shard that the filters ask for. */
const SCHEMA = {
  type: 'object',
  required: ['sent', 'data'],
  properties: {
    sent: { type: 'number' },
    shard: { type: 'integer', minimum: 0, maximum: ENDPOINTS },
    data: {
      type: 'object',
      required: ['order_id', 'total'],
      additionalProperties: false,
      properties: {
        order_id: { type: 'string', pattern: '^[0-9]+$' },
        total: { type: 'number', minimum: 0 },
        note: { type: 'string', maxLength: 1_000 },
      },
    },
  },
};

/**
 * Ingestion with 10 event types with schemas and 20 endpoints with filters, beside the same without: each event makes two
 * deliveries with both. In turn on one product, so that the ratio does not depend on the machine.
 */
export function filters(backdrop: Backdrop): Promise<Row[]> {
  // Workflows cost the same with both, and would only hide the difference.
  return withProduct({ SUREHOOK_WORKFLOWS: 'none' }, async (product) => {
    for (let i = 0; i < TYPES; i++)
      await product.call('POST', '/v1/event-types', { name: `typed.${i}`, schema: SCHEMA });
    for (let i = 0; i < ENDPOINTS; i++) {
      const shards = { shard: { $in: [i, (i + 1) % ENDPOINTS] }, 'data.total': { $gt: 10 } };
      await endpointFor(product, backdrop, 'typed', i, { event_types: ['*'], filter: shards });
      await endpointFor(product, backdrop, 'plain', i, { event_types: [`plain.${i % TYPES}`] });
    }
    await measure(product, backdrop, 'plain', 'warm');
    await measure(product, backdrop, 'typed', 'warm');
    const rows = { plain: [] as Row[], typed: [] as Row[] };
    for (let round = 0; round < ROUNDS; round++) {
      // Each comes first in its turn: the first of a round may pay for the disk writes of the last one.
      const order = round % 2 === 0 ? (['plain', 'typed'] as const) : (['typed', 'plain'] as const);
      for (const tenant of order) rows[tenant].push(await measure(product, backdrop, tenant, `${round}`));
    }
    const [plain, typed] = [medianBy(rows.plain, secondsOf), medianBy(rows.typed, secondsOf)];
    // Each round is compared with itself: the machine may be slower in one than in another.
    const ratioBy = (of: (row: Row) => number) =>
      medianBy(
        rows.typed.map((row, i) => of(row) / of(rows.plain[i]!)),
        (ratio) => ratio,
      );
    const more = { cpuRatio: ratioBy(cpuOf), timeRatio: ratioBy(secondsOf) };
    return [plain, { ...typed, more }];
  });
}

async function endpointFor(
  product: Product,
  { receiver }: Backdrop,
  tenant: string,
  i: number,
  settings: object,
): Promise<void> {
  const id = await endpoint(product, receiver, tenant, `/filters/${tenant}/${i}`);
  await product.call('PATCH', `/v1/endpoints/${id}`, settings);
}

async function measure(
  product: Product,
  { load, arrived, awaitArrival }: Backdrop,
  tenant: 'plain' | 'typed',
  round: string,
): Promise<Row> {
  const path = `/filters/${tenant}/`;
  await arrived(`${path}?reset`);
  const before = product.usage();
  const sent = await load({
    ...{ url: product.url, connections: 64, payload: 'small', tenant, count: EVENTS },
    ...{ types: Array.from({ length: TYPES }, (_, i) => `${tenant}.${i}`), shards: ENDPOINTS },
  });
  const fanOut = 2;
  // Each endpoint's path counts an event on its own.
  const at = await awaitArrival(path, sent.events * fanOut);
  await settled(product);
  const seconds = (at.lastAt - sent.startedAt) / 1_000;
  return {
    name: `f: 20 endpoints, ${tenant === 'typed' ? 'with filters and 10 schemas' : 'without filters and schemas'}`,
    events: sent.events,
    seconds,
    perSecond: sent.events / seconds,
    deliveriesPerSecond: (sent.events * fanOut) / seconds,
    p50: at.p50,
    p99: at.p99,
    cpu: cpuPer(sent.events, before.cpu, product.usage().cpu),
    ...(round === 'warm' ? {} : outcome(sent, at, fanOut)),
  };
}

const secondsOf = (row: Row) => row.seconds;
const cpuOf = (row: Row) => row.cpu!.node! + row.cpu!.postgres!;
const medianBy = <T>(all: T[], of: (one: T) => number): T =>
  [...all].sort((a, b) => of(a) - of(b))[Math.floor(all.length / 2)]!;
