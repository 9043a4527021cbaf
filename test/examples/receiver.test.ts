import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Webhook } from 'standardwebhooks';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { freePort } from '../../src/embedded/ports.js';
import type { CommandLine } from '../support/command-line.js';
import { EXPRESS, FASTAPI, GO, startProgram } from '../support/programs.js';
import { startServerProcess, type ServerProcess } from '../support/server-process.js';

let server: ServerProcess;
let dir: string;
let program: CommandLine;
beforeAll(async () => {
  server = await startServerProcess();
  dir = await mkdtemp(join(tmpdir(), 'surehook-received-'));
});
afterEach(() => program?.kill());
afterAll(async () => {
  await server.stop();
  await rm(dir, { recursive: true });
});

test.for([EXPRESS, FASTAPI, GO])(
  'the receiver of $name takes each event once, although it and the server are killed, and refuses what is not signed',
  async (language, { skip }) => {
    skip(!language.isThere);
    const { client } = server;
    const port = await freePort();
    const { id: endpointId, secret } = await client.endpoints.create({
      url: `http://127.0.0.1:${port}/webhooks`,
      event_types: ['order.created'],
    });
    const env = { WEBHOOK_SECRET: secret, EVENTS: join(dir, language.name.replace('/', '-')) };
    const start = () => startProgram(language, 'receiver/main', server, port, env);
    program = await start();
    const first = await client.publish('order.created', { order_id: '1001' });
    await program.printed(`received ${first.id}`);

    // The blanks are part of what is signed.
    const body = '{"order_id":  "1002"}';
    const at = new Date();
    const headers = {
      'content-type': 'application/json',
      'webhook-id': 'evt_1',
      'webhook-timestamp': String(Math.floor(at.getTime() / 1000)),
      'webhook-signature': new Webhook(secret).sign('evt_1', at, body),
    };
    const post = async (text: string) =>
      (await fetch(`${program.url}/webhooks`, { method: 'POST', headers, body: text })).status;
    expect([await post(`${body} `), await post(body), await post(body)]).toEqual([400, 204, 204]);
    expect(program.output().match(/evt_1$/gm)).toHaveLength(2);

    await program.kill();
    const second = await client.publish('order.created', { order_id: '1003' });
    await server.attempted(second.id, 1);
    await server.kill();
    await server.start();
    program = await start();
    await program.printed(`received ${second.id}`);
    await client.deliveries.retry(first.deliveries[0]!.id);
    await program.printed(`had before ${first.id}`);
    await client.endpoints.delete(endpointId);
  },
);
