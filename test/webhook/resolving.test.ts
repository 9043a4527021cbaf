import type { LookupAddress } from 'node:dns';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { createAddressGuard } from '../../src/webhook/address-guard.js';
import { createSender, type Sender, type SendResult } from '../../src/webhook/send.js';
import { startReceiver, type Receiver } from '../support/receiver.js';

type Answer = (error: Error | null, addresses: LookupAddress[]) => void;
const lookup = vi.hoisted(() => vi.fn<(host: string, options: object, answer: Answer) => void>());
vi.mock('node:dns', async (original) => ({ ...(await original<object>()), lookup }));

const LOCAL: LookupAddress = { address: '127.0.0.1', family: 4 };
/** An allowed address where nothing listens. */
const DEAD: LookupAddress = { address: '127.0.0.99', family: 4 };
const INTERNAL: LookupAddress = { address: '10.0.0.1', family: 4 };

let receiver: Receiver;
let sender: Sender;

beforeEach(async () => {
  lookup.mockReset();
  receiver = await startReceiver();
  sender = createSender({ guard: createAddressGuard(['127.0.0.0/8']) });
});
afterEach(async () => {
  await sender.close();
  await receiver.close();
});

function resolvesTo(...answers: LookupAddress[][]): void {
  for (const addresses of answers) {
    lookup.mockImplementationOnce((_host, _options, answer) => setImmediate(answer, null, addresses));
  }
}

function send(timeoutMs = 5000, name = 'name.test'): Promise<SendResult> {
  return sender.send({
    url: `http://${name}:${receiver.port}/`,
    headers: {},
    body: '{}',
    timeoutMs,
    endpointId: 'ep_test',
    tenant: 'default',
  });
}

describe('a name that changes its address', () => {
  it('is connected to at the vetted address, without a second look-up', async () => {
    resolvesTo([LOCAL], [INTERNAL]);
    expect(await send()).toMatchObject({ kind: 'response', remoteAddress: '127.0.0.1' });
    expect(lookup).toHaveBeenCalledTimes(1);
  });

  it('is vetted again for every new connection', async () => {
    resolvesTo([LOCAL], [INTERNAL]);
    receiver.setBehaviour(() => ({ status: 200, headers: { connection: 'close' } }));
    await send();
    expect(await send()).toMatchObject({
      kind: 'fault',
      fault: 'ADDRESS_BLOCKED',
      message: 'The name name.test leads to an address that is not allowed.',
    });
    expect(receiver.requests).toHaveLength(1);
  });
});

describe('a name with several addresses', () => {
  it('is refused when any of them is forbidden, in any position', async () => {
    resolvesTo([LOCAL, INTERNAL], [INTERNAL, LOCAL]);
    expect(await send()).toMatchObject({ fault: 'ADDRESS_BLOCKED' });
    expect(await send()).toMatchObject({ fault: 'ADDRESS_BLOCKED' });
    expect(receiver.requests).toHaveLength(0);
  });

  it('is connected to at the next address when the first does not answer', async () => {
    resolvesTo([DEAD, LOCAL]);
    expect(await send()).toMatchObject({ kind: 'response', remoteAddress: '127.0.0.1' });
  });

  it('is reported with its first address when none answers', async () => {
    resolvesTo([DEAD, { address: '127.0.0.98', family: 4 }]);
    expect(await send()).toMatchObject({
      fault: 'NETWORK_ERROR',
      message: 'No connection to 127.0.0.99 could be made (ECONNREFUSED).',
      remoteAddress: '127.0.0.99',
    });
  });
});

describe('a resolver that does not answer', () => {
  it('fails the attempt at its deadline, and the message says so', async () => {
    let late: Answer = () => undefined;
    lookup.mockImplementationOnce((_host, _options, answer) => {
      late = answer;
    });
    const result = await send(100);
    expect(result).toMatchObject({
      fault: 'TIMEOUT',
      message: 'No complete answer within 100 ms: time ran out while resolving the name.',
      remoteAddress: null,
    });
    late(null, [LOCAL]);
    resolvesTo([LOCAL]);
    expect(await send()).toMatchObject({ kind: 'response', status: 200 });
    expect(receiver.requests).toHaveLength(1);
  });
});
