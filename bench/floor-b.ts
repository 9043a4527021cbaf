import { Client, Connection } from '@temporalio/client';
import { TASK_QUEUE } from '../workflows/contract.js';

/** Floor B. Arguments: Temporal's address, how many workflows. */
const [address, count] = process.argv.slice(2) as [string, string];
const AT_ONCE = 64;
const connection = await Connection.connect({ address });
const client = new Client({ connection });
let next = 0;

async function loop(prefix: string, until: number): Promise<void> {
  while (next < until) {
    const workflowId = `${prefix}-${next++}`;
    const args = [{ eventId: 'none', tenant: 'floor', deliveries: [] }];
    await client.workflow.execute('deliverWebhook', { workflowId, taskQueue: TASK_QUEUE, args });
  }
}
const all = (prefix: string, until: number) =>
  Promise.all(Array.from({ length: AT_ONCE }, () => loop(prefix, until)));

await all('warm', 200);
next = 0;
const began = performance.now();
await all('floor', Number(count));
console.log(JSON.stringify({ seconds: (performance.now() - began) / 1_000 }));
await connection.close();
