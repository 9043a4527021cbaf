import { once } from 'node:events';
import { createServer, request, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, it } from 'vitest';
import { EventStream, type StreamClient } from '../../src/http/event-stream.js';
import { eventually } from '../support/eventually.js';

/** Opens a stream to a client that reads nothing. */
async function openUnread(method = 'GET') {
  let client: StreamClient | undefined;
  let response: ServerResponse | undefined;
  let left = 0;
  const server = createServer((_request, answer) => {
    response = answer;
    new EventStream((given) => {
      client = given;
      return () => (left += 1);
    }).open(answer);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const sent = request({ port: (server.address() as AddressInfo).port, method, agent: false });
  sent.on('error', () => {});
  sent.end();
  const [answer] = (await once(sent, 'response')) as [NodeJS.ReadableStream & { destroy(): void }];
  answer.on('error', () => {});
  answer.pause();
  const close = async () => {
    answer.destroy();
    server.close();
    await once(server, 'close');
  };
  return { client, response: response!, answer, left: () => left, close };
}

const MESSAGE = 'x'.repeat(64 * 1024);

it('keeps no more than a few messages for a client that does not read, and ends it without an error', async () => {
  const { client, response, left, close } = await openUnread();
  for (let n = 0; n < 2_000; n++) {
    client!.send('tick', MESSAGE);
    if (n % 50 === 0) await sleep(1);
  }
  expect(response.writableLength).toBeGreaterThan(100 * 1024);
  expect(response.writableLength).toBeLessThan(512 * 1024);
  client!.end();
  expect(left()).toBe(1);
  // An error event without a listener would fail the test.
  client!.send('tick', MESSAGE);
  client!.end();
  await eventually(() => Promise.resolve(response.closed));
  expect(left()).toBe(1);
  await close();
});

it('ends a client that reads after its last message', async () => {
  const { client, answer, left, close } = await openUnread();
  client!.send('tick', '1');
  client!.end();
  client!.send('tick', '2');
  answer.resume();
  let text = '';
  answer.on('data', (chunk: Buffer) => (text += chunk.toString()));
  await once(answer, 'end');
  expect(text).toBe('retry: 2000\n\nevent: tick\ndata: 1\n\n');
  expect(left()).toBe(1);
  await close();
});

it('leaves once when the client goes', async () => {
  const { answer, left, close } = await openUnread();
  answer.destroy();
  await eventually(() => Promise.resolve(left() === 1));
  await close();
  expect(left()).toBe(1);
});

it('starts nothing for HEAD', async () => {
  const { client, close } = await openUnread('HEAD');
  expect(client).toBeUndefined();
  await close();
});
