import { createAddressGuard } from '../../src/webhook/address-guard.js';
import { createSender } from '../../src/webhook/send.js';

/** Run as a separate process: sends many requests at once and prints the count of each result. */
const [url = '', count = '1', timeoutMs = '30000'] = process.argv.slice(2);
const sender = createSender({ guard: createAddressGuard(['127.0.0.0/8']) });
const request = {
  url,
  headers: {},
  body: '{}',
  timeoutMs: Number(timeoutMs),
  tenant: 'default',
  endpointId: 'ep',
};

const results = await Promise.all(Array.from({ length: Number(count) }, () => sender.send(request)));
const counts: Record<string, number> = {};
for (const result of results) {
  const what =
    result.kind === 'response'
      ? `response ${result.status} ${result.body.length} ${result.truncated}`
      : result.fault;
  counts[what] = (counts[what] ?? 0) + 1;
}
process.stdout.write(JSON.stringify(counts));
await sender.close();
