import fc from 'fast-check';
import { expect } from 'vitest';
import {
  attemptNow,
  cancelDelivery,
  claimDelivery,
  claimDue,
  endDeliveriesOf,
  endLostClaims,
  insertRedelivery,
  assignToWorkflow,
  recordAttempts,
  releaseClaims,
} from '../../src/db/open-deliveries/index.js';
import { transaction, type Pool } from '../../src/db/pool.js';
import { beat, deadProcesses, removeProcess } from '../../src/db/processes.js';
import { lostRecord } from '../../src/delivery/attempt-record.js';
import { newId } from '../../src/lib/ids.js';
import { actorNamed } from './actor.js';
import {
  claim,
  decideEnd,
  endpointOf,
  isDueForPoller,
  isHeld,
  lose,
  newDelivery,
  record,
  recordLate,
  release,
  type Model,
  type ModelDelivery,
} from './delivery-model.js';
import { accept, newEvent, recordOf, type Result } from './open-deliveries.js';

/** Does one thing to the database, tells the model, and compares the answer. */
export interface Step {
  name: string;
  run(model: Model, pool: Pool): Promise<void>;
  /** For fast-check. */
  toString(): string;
}
const step = (name: string, run: Step['run']): Step => ({ name, run, toString: () => name });
const LATER_MS = 3_600_000;
export const PROCESSES = ['p1', 'p2', 'p3'];
export const TENANTS = ['a', 'b'];

const anyProcess = fc.constantFrom(...PROCESSES);
/** Chosen of those there are when the step is run. */
const anyOne = fc.nat({ max: 1_000 });
const pick = <T>(from: T[], n: number): T | undefined => from[n % from.length];
const inState = (model: Model, ...states: ModelDelivery['state'][]) =>
  model.deliveries.filter(({ state }) => states.includes(state));
const lookAt = (process: string, limit: number) => ({
  ...{ process, limit, overdueLimit: limit, except: [], after: '', window: 500 },
});

/** Steps that need nothing but a number to choose by. */
const each = (
  name: string,
  from: (model: Model) => ModelDelivery[],
  run: (delivery: ModelDelivery, model: Model, pool: Pool) => Promise<void>,
) =>
  anyOne.map((n) =>
    step(`${name} ${n}`, async (model, pool) => {
      const delivery = pick(from(model), n);
      if (delivery) await run(delivery, model, pool);
    }),
  );
const claimed = (model: Model) => inState(model, 'claimed');
const claimedAgain = (model: Model) => claimed(model).filter(({ recorded }) => recorded.length > 0);
const open = (model: Model) => inState(model, 'ready', 'claimed');
const all = (model: Model) => model.deliveries;

const acceptance = fc
  .record({
    tenant: fc.constantFrom(...TENANTS),
    by: fc.option(anyProcess, { freq: 4 }),
    workflow: fc.constantFrom('now' as const, 'later' as const, 'none' as const),
    maxAttempts: fc.integer({ min: 1, max: 3 }),
  })
  .map(({ tenant, by, workflow, maxAttempts }) =>
    step(
      `accept for ${tenant}, ${by ?? 'nobody'}, ${workflow}, ${maxAttempts} attempts`,
      async (model, pool) => {
        const event = newEvent({ tenant, maxAttempts });
        const [stored] = await accept(pool, [event], { claimedBy: by, workflow });
        const matching = model.endpoints.filter((ep) => ep.tenant === tenant && !ep.deleted);
        expect(stored!.made.map(({ endpoint_id }) => endpoint_id)).toEqual(matching.map(({ id }) => id));
        for (const made of stored!.made) {
          const delivery = newDelivery({
            id: made.id,
            eventId: event.id,
            endpoint: made.endpoint_id,
            maxAttempts,
          });
          const held = isHeld(model, delivery);
          if (by !== null && !held) claim(delivery, by, workflow === 'now' ? 'workflow' : 'queue');
          expect(made).toMatchObject({ claim: delivery.claims || null, status: held ? 'HELD' : 'PENDING' });
          model.deliveries.push(delivery);
        }
      },
    ),
  );

const poll = fc.tuple(anyProcess, fc.constantFrom(1, 2, 1_000)).map(([process, limit]) =>
  step(`${process} claims ${limit} due`, async (model, pool) => {
    const ready = inState(model, 'ready');
    const isDeleted = (one: ModelDelivery) => endpointOf(model, one).deleted;
    const due = ready.filter((one) => isDueForPoller(one) && !isHeld(model, one) && !isDeleted(one));
    const { claimed: got, deleted } = await claimDue(pool, lookAt(process, limit));
    const ids = got.map(({ id }) => id);
    const dueIds = due.map(({ id }) => id);
    expect(dueIds).toEqual(expect.arrayContaining(ids));
    if (limit === 1_000) expect(ids.sort()).toEqual(dueIds.sort());
    else expect(Math.min(1, due.length) <= ids.length && ids.length <= limit).toBe(true);
    expect(deleted.sort()).toEqual(
      model.endpoints
        .filter(({ id, deleted }) => deleted && ready.some(({ endpoint }) => endpoint === id))
        .map(({ id }) => id),
    );
    for (const one of got) {
      const delivery = due.find(({ id }) => id === one.id)!;
      expect(one).toMatchObject({ run_by: delivery.runBy, attempt_count: delivery.attempts.length });
      claim(delivery, process, 'queue');
      expect(one.claim).toBe(delivery.claims);
    }
  }),
);

const claimOne = fc.tuple(anyOne, anyProcess, fc.boolean()).map(([n, process, now]) =>
  step(`${process} claims ${n}${now ? ' now' : ''}`, async (model, pool) => {
    const delivery = pick(all(model), n);
    if (!delivery) return;
    const got = await claimDelivery(pool, delivery.id, { process, now });
    const may = delivery.state === 'ready' && !isHeld(model, delivery) && (now || delivery.due !== 'later');
    expect(got !== null).toBe(may);
    if (!got) return;
    expect(got.attempt_count).toBe(delivery.attempts.length);
    claim(delivery, process, 'workflow');
    expect(got.claim).toBe(delivery.claims);
  }),
);

const outcomeOf = {
  delivered: { classification: 'DELIVERED', next: { status: 'DELIVERED', reason: null } },
  failed: { classification: 'HTTP_5XX_RETRYABLE', next: { status: 'FAILED', reason: 'ATTEMPTS_EXHAUSTED' } },
} as const;
const recording = fc
  .tuple(
    anyOne,
    fc.constantFrom('delivered' as const, 'failed' as const, 'now' as const, 'later' as const),
    fc.boolean(),
  )
  .map(([n, wanted, twice]) =>
    step(`record ${wanted} ${n}${twice ? ' twice' : ''}`, async (model, pool) => {
      const delivery = pick(claimed(model), n);
      if (!delivery) return;
      const number = delivery.attempts.length + 1;
      const retries = wanted === 'now' || wanted === 'later';
      const result = !retries ? wanted : number < delivery.maxAttempts ? wanted : 'failed';
      const about = {
        id: delivery.id,
        claim: delivery.claims,
        number,
        inMs: result === 'later' ? LATER_MS : 0,
      };
      const kind: Result = result === 'now' || result === 'later' ? 'retry' : result;
      const made = recordOf(about, kind);
      await recordAttempts(pool, [made]);
      if (twice) await recordAttempts(pool, [made]);
      delivery.recorded.push(made);
      if (result === 'now' || result === 'later') record(delivery, 'HTTP_5XX_RETRYABLE', { due: result });
      else record(delivery, outcomeOf[result].classification, outcomeOf[result].next);
    }),
  );

const lateRecording = fc.tuple(anyOne, fc.boolean(), fc.boolean()).map(([n, ok, once]) =>
  step(`late record ${ok ? 'delivered' : 'failed'} ${n}`, async (model, pool) => {
    const late = all(model).flatMap((delivery) => delivery.lost.map((lost) => ({ delivery, lost })));
    const chosen = pick(late, n);
    if (!chosen) return;
    const { delivery, lost } = chosen;
    await recordAttempts(pool, [recordOf({ id: delivery.id, ...lost }, ok ? 'delivered' : 'failed')]);
    recordLate(delivery, lost.number, ok ? 'DELIVERED' : 'HTTP_5XX_RETRYABLE');
    if (once) delivery.lost = delivery.lost.filter((one) => one !== lost);
  }),
);

const releasing = fc.tuple(anyOne, fc.boolean()).map(([n, later]) =>
  step(`release ${n}${later ? ' for later' : ''}`, async (model, pool) => {
    const delivery = pick(claimed(model), n);
    if (!delivery) return;
    const about = { id: delivery.id, inMs: later ? LATER_MS : null, reason: null, backOff: false };
    await releaseClaims(pool, [{ ...about, claim: delivery.claims - 1 }]);
    await releaseClaims(pool, [{ ...about, claim: delivery.claims }]);
    await releaseClaims(pool, [{ ...about, claim: delivery.claims }]);
    release(delivery, later ? 'later' : null);
    if (!delivery.end) delivery.runBy = 'queue';
  }),
);

const pausing = fc
  .tuple(fc.constantFrom('all', ...TENANTS.map((t) => `tenant:${t}`)), fc.boolean())
  .map(([scope, on]) =>
    step(`${on ? 'pause' : 'resume'} ${scope}`, async (model, pool) => {
      if (on)
        await pool.query(
          `insert into control (scope, reason, paused_by) values ($1, 'why', 'me') on conflict do nothing`,
          [scope],
        );
      else await pool.query('delete from control where scope = $1', [scope]);
      if (on) model.pauses.add(scope);
      else model.pauses.delete(scope);
    }),
  );

const pausingEndpoint = fc.tuple(anyOne, fc.boolean()).map(([n, on]) =>
  step(`${on ? 'pause' : 'enable'} endpoint ${n}`, async (model, pool) => {
    const endpoint = pick(model.endpoints, n)!;
    await pool.query('update endpoints set status = $2 where id = $1', [
      endpoint.id,
      on ? 'paused' : 'enabled',
    ]);
    endpoint.paused = on;
  }),
);

const deletion = fc.tuple(anyOne, fc.boolean()).map(([n, ends]) =>
  step(`delete endpoint ${n}${ends ? ' and end its deliveries' : ''}`, async (model, pool) => {
    const endpoint = pick(model.endpoints, n)!;
    await pool.query('update endpoints set deleted_at = now() where id = $1', [endpoint.id]);
    endpoint.deleted = true;
    if (!ends) return;
    while ((await endDeliveriesOf(pool, endpoint.id, 2)) > 0);
    for (const one of open(model))
      if (one.endpoint === endpoint.id) decideEnd(one, 'FAILED', 'ENDPOINT_DELETED');
  }),
);

/** Ends claims until none is left, and compares how many there were. */
async function endClaims(pool: Pool, dead: string[] | null, lost: ModelDelivery[]): Promise<void> {
  let count = 0;
  for (let page; (page = await endLostClaims(pool, { dead, limit: 3, startsOpen: false }, lostRecord)) > 0;)
    count += page;
  expect(count).toBe(lost.length);
  lost.forEach(lose);
}

const endExpired = fc.constant(
  step('end expired claims', (model, pool) =>
    endClaims(
      pool,
      null,
      claimed(model).filter(({ expired }) => expired),
    ),
  ),
);

const death = anyProcess.map((process) =>
  step(`${process} dies`, async (model, pool) => {
    for (const id of ['judge', process])
      await beat(pool, { id, makesAttempts: true, paused: null, startsBehindMs: 0, keyIds: [] });
    await pool.query(`update processes set alive_at = now() - interval '11 s' where id = $1`, [process]);
    await pool.query(`update processes set steady_since = now() - interval '1 hour' where id = 'judge'`);
    expect(await deadProcesses(pool, 'judge')).toEqual([process]);
    await endClaims(
      pool,
      [process],
      claimed(model).filter(({ claimedBy }) => claimedBy === process),
    );
    await removeProcess(pool, process);
  }),
);

/** More often what makes progress than what ends it. */
export const anyStep: fc.Arbitrary<Step> = fc.oneof(
  { weight: 5, arbitrary: acceptance },
  { weight: 5, arbitrary: poll },
  { weight: 4, arbitrary: claimOne },
  { weight: 8, arbitrary: recording },
  { weight: 4, arbitrary: lateRecording },
  {
    weight: 3,
    arbitrary: each('record again', claimedAgain, async ({ recorded }, _, pool) => {
      for (const made of recorded) await recordAttempts(pool, [made]);
    }),
  },
  { weight: 3, arbitrary: releasing },
  { weight: 2, arbitrary: pausing },
  { weight: 2, arbitrary: pausingEndpoint },
  { weight: 1, arbitrary: deletion },
  { weight: 2, arbitrary: death },
  { weight: 2, arbitrary: endExpired },
  {
    weight: 3,
    arbitrary: each('expire', claimed, async (delivery, _, pool) => {
      await pool.query(`update open_deliveries set claim_until = now() - interval '1 s' where id = $1`, [
        delivery.id,
      ]);
      delivery.expired = true;
    }),
  },
  {
    weight: 2,
    arbitrary: each('cancel', all, async (delivery, _, pool) => {
      expect(
        await transaction(pool, (db) => cancelDelivery(db, delivery.id, actorNamed('me'), 'enough')),
      ).toBe(decideEnd(delivery, 'CANCELLED', 'enough'));
    }),
  },
  {
    weight: 2,
    arbitrary: each('attempt now', all, async (delivery, _, pool) => {
      expect(await attemptNow(pool, delivery.id)).toBe(delivery.state === 'ready');
      if (delivery.state !== 'ready') return;
      delivery.runBy = 'queue';
      if (delivery.due === 'later') delivery.due = 'now';
    }),
  },
  {
    weight: 2,
    arbitrary: each('make overdue', open, async (delivery, _, pool) => {
      await pool.query(`update open_deliveries set run_at = now() - interval '1 hour' where id = $1`, [
        delivery.id,
      ]);
      delivery.due = 'overdue';
    }),
  },
  {
    weight: 2,
    arbitrary: each('leave to its workflow', all, async (delivery, _, pool) => {
      await assignToWorkflow(pool, delivery.id);
      if (delivery.state === 'ready' && delivery.due !== 'now') delivery.runBy = 'workflow';
    }),
  },
  {
    weight: 1,
    arbitrary: each(
      'redeliver',
      (model) => inState(model, 'ended'),
      async ({ eventId, endpoint, id }, model, pool) => {
        const { tenant } = endpointOf(model, { endpoint });
        const made = newDelivery({ id: newId('del'), eventId, endpoint, maxAttempts: 2 });
        const about = { event_id: eventId, endpoint_id: endpoint, tenant, event_type: 'order.created' };
        const source = { source_delivery_id: id, batch_id: null, workflow_id: `redeliver:${made.id}` };
        await insertRedelivery(pool, [{ id: made.id, ...about, ...source }], {
          maxAttempts: 2,
          workflow: true,
        });
        model.deliveries.push(made);
      },
    ),
  },
);
