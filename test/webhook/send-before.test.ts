import { afterEach, beforeEach, expect, test } from 'vitest';
import { UnsentError } from '../../src/webhook/send.js';
import { startReceiver, type Receiver } from '../support/receiver.js';
import { startSender } from '../support/sending.js';

/** Requests to one endpoint that are under way at a time; more wait for a connection. */
const MOST_CONNECTIONS = 256;

let receiver: Receiver;
let sender: ReturnType<typeof startSender>;

beforeEach(async () => {
  receiver = await startReceiver();
  sender = startSender();
});
afterEach(async () => {
  await receiver.close();
  await sender.close();
});

test('after the right to send has ended, nothing is sent', async () => {
  const late = sender.send(receiver.url, { maySend: () => false });
  await expect(late).rejects.toBeInstanceOf(UnsentError);
  expect(receiver.requests).toHaveLength(0);
});

test('a connection that is open already changes nothing about it', async () => {
  expect(await sender.send(receiver.url)).toMatchObject({ status: 200 });
  const late = sender.send(receiver.url, { maySend: () => false });
  await expect(late).rejects.toBeInstanceOf(UnsentError);
  expect(await sender.send(receiver.url)).toMatchObject({ status: 200 });
  expect(receiver.requests).toHaveLength(2);
});

test('a request whose right to send ends while it waits for a connection is not sent', async () => {
  let answer!: () => void;
  const answered = new Promise<void>((resolve) => (answer = resolve));
  receiver.setBehaviour(async () => {
    await answered;
    return { status: 200 };
  });
  const first = Array.from({ length: MOST_CONNECTIONS }, () => sender.send(receiver.url));
  await receiver.waitFor((requests) => requests.length === MOST_CONNECTIONS);
  let maySend = true;
  const late = sender.send(receiver.url, { maySend: () => maySend });
  const inTime = sender.send(receiver.url);
  const outcome = expect(late).rejects.toBeInstanceOf(UnsentError);
  maySend = false;
  answer();
  await outcome;
  expect(await inTime).toMatchObject({ status: 200 });
  expect((await Promise.all(first)).every(({ status }) => status === 200)).toBe(true);
  expect(receiver.requests).toHaveLength(MOST_CONNECTIONS + 1);
});
