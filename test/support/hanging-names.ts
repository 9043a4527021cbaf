/** Run by hanging-names.test.ts in a separate network namespace; prints the results of the requests as JSON. */
import { setTimeout as sleep } from 'node:timers/promises';
import { createAddressGuard } from '../../src/webhook/address-guard.js';
import { createSender, type SendResult } from '../../src/webhook/send.js';
import { startDnsServer } from './dns-server.js';
import { startReceiver } from './receiver.js';

const HANGING = 360;
const LATE = 16;
const LATE_MS = 800;

const dns = await startDnsServer((name) =>
  name.endsWith('.hangs.test') ? null : name.endsWith('.late.test') ? LATE_MS : 0,
);
const receiver = await startReceiver({ behave: () => ({ status: 200, headers: { connection: 'close' } }) });
const sender = createSender({ guard: createAddressGuard(['127.0.0.0/8']) });

const send = (name: string, tenant: string, timeoutMs: number): Promise<SendResult | Error> =>
  sender
    .send({
      url: `http://${name}:${receiver.port}/`,
      headers: {},
      body: '{}',
      timeoutMs,
      endpointId: `ep_${name}`,
      tenant,
    })
    .catch((error: Error) => error);

await send('known.test', 'good', 2_000);

let ended = 0;
const hanging = Array.from({ length: HANGING }, (_, i) =>
  send(`n${i}.hangs.test`, 'hostile', 20_000).finally(() => (ended += 1)),
);
while (!dns.asked.some((name) => name.endsWith('.hangs.test'))) await sleep(20);
const others = await Promise.all([
  send('known.test', 'hostile', 2_000),
  send('known.test', 'good', 2_000),
  send('new.other.test', 'good', 2_000),
  send('new.another.test', 'hostile', 2_000),
]);
const endedBefore = ended;
const late = await Promise.all(
  Array.from({ length: LATE }, (_, i) => send(`n${i}.late.test`, 'good', 2_000)),
);

console.log(JSON.stringify({ others, endedBefore, late, hanging: (await Promise.all(hanging)).map(nameOf) }));
await sender.close();
await receiver.close();
dns.close();

function nameOf(result: SendResult | Error): string {
  if (result instanceof Error) return result.constructor.name;
  return result.kind === 'fault' ? result.fault : result.kind;
}
