const { createSender } = await import(process.argv[2] + '/src/webhook/send.ts');
const { createAddressGuard } = await import(process.argv[2] + '/src/webhook/address-guard.ts');
import { fork } from 'node:child_process';
const srv = fork('/tmp/mbsrv.mjs');
const port = await new Promise<number>((r) => srv.once('message', (m) => r(m as number)));
const sender = createSender({ guard: createAddressGuard(['127.0.0.0/8']) });
const headers = { 'webhook-id': 'evt_01a20fae693771d6861e317f7286f447', 'webhook-timestamp': '1795559418', 'webhook-signature': 'v1,' + 'a'.repeat(44), 'webhook-attempt': '1', 'webhook-event-type': 'order.created', 'content-type': 'application/json', 'user-agent': 'surehook/0.1.0' };
const body = JSON.stringify({ x: 'y'.repeat(800) });
async function run(n: number) { let left = n; await Promise.all(Array.from({ length: 64 }, async () => { while (left-- > 0) { const r = await sender.send({ url: `http://127.0.0.1:${port}/hook`, headers, body, timeoutMs: 15000, tenant: 'd', endpointId: 'e' }); if (r.status !== 204) throw new Error(JSON.stringify(r)); } })); }
await run(3000);
const c = process.cpuUsage(); const t = performance.now();
await run(15000);
const u = process.cpuUsage(c);
console.log(process.argv[2], (u.user/15000).toFixed(1), (u.system/15000).toFixed(1), ((u.user + u.system) / 15000).toFixed(1), 'us cpu/req', (15000 / (performance.now() - t) * 1000).toFixed(0), 'req/s');
await sender.close(); srv.kill();
