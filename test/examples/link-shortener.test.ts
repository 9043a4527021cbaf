import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { performance } from 'node:perf_hooks';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { freePort } from '../../src/embedded/ports.js';
import { eventually } from '../support/eventually.js';
import type { CommandLine } from '../support/command-line.js';
import { EXPRESS, FASTAPI, startProgram, type Language } from '../support/programs.js';
import { startReceiver } from '../support/receiver.js';
import { startServerProcess, type ServerProcess } from '../support/server-process.js';

const TARGET = 'https://example.com/a';
const SLOW_MS = 2_000;

let server: ServerProcess;
let dir: string;
let programs: CommandLine[] = [];
beforeAll(async () => {
  server = await startServerProcess();
  dir = await mkdtemp(join(tmpdir(), 'surehook-clicks-'));
});
afterEach(async () => {
  for (const program of programs) await program.kill();
  programs = [];
  const { endpoints } = server.client;
  for await (const { id } of endpoints.list()) await endpoints.delete(id);
});
afterAll(async () => {
  await server.stop();
  await rm(dir, { recursive: true });
});

/** A link; `click` returns the milliseconds until its redirect. */
async function startShortener(language: Language) {
  const shortener = await startProgram(language, 'link-shortener/main', server, await freePort());
  programs.push(shortener);
  const made = await fetch(`${shortener.url}/links`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ url: TARGET }),
  });
  const { code } = (await made.json()) as { code: string };
  const click = async () => {
    const began = performance.now();
    const answer = await fetch(`${shortener.url}/${code}`, { redirect: 'manual' });
    expect([answer.status, answer.headers.get('location')]).toEqual([307, TARGET]);
    return performance.now() - began;
  };
  return { code, click };
}

async function startListeners(language: Language, port: number) {
  const env = { LISTENERS_URL: `http://127.0.0.1:${port}/hooks`, CLICKS: join(dir, language.name) };
  const listeners = await startProgram(language, 'link-shortener/listeners', server, port, env);
  programs.push(listeners);
  const count = async (code: string) => {
    const answer = await fetch(`${listeners.url}/clicks/${code}`);
    return ((await answer.json()) as { clicks: number }).clicks;
  };
  return { ...listeners, count };
}

test.for([FASTAPI, EXPRESS])(
  'listeners are added to the $name shortener while it runs, and miss no click although they and the server are killed',
  async (language, { skip }) => {
    skip(!language.isThere);
    const { code, click } = await startShortener(language);
    await click();
    const port = await freePort();
    const listeners = await startListeners(language, port);
    const registered = (await server.client.endpoints.list()).data;
    expect(registered.map(({ event_types }) => event_types)).toEqual(Array(3).fill(['link.clicked']));
    for (let clicks = 0; clicks < 10; clicks++) await click();
    // The click before they listened is not theirs.
    await eventually(async () => (await listeners.count(code)) === 10);
    expect(listeners.output()).not.toContain('suspicious');
    await click();
    await listeners.printed('suspicious 127.0.0.1');

    await listeners.kill();
    await click();
    const [missed] = (await server.client.events.list({ limit: 1 })).data;
    await server.attempted(missed!.id, 1);
    await server.kill();
    await server.start();
    const again = await startListeners(language, port);
    await eventually(async () => (await again.count(code)) === 12);
    await again.printed(`clicked ${code}`);
    const ids = (await server.client.endpoints.list()).data.map(({ id }) => id);
    expect(ids).toEqual(registered.map(({ id }) => id));
  },
);

test.for([FASTAPI, EXPRESS])(
  'a slow listener of the $name shortener is registered, changed and removed by the API, and slows no redirect',
  async (language, { skip }) => {
    skip(!language.isThere);
    const { endpoints } = server.client;
    const { click } = await startShortener(language);
    const alone = await redirects(click);
    const receiver = await startReceiver({ behave: () => ({ status: 204, afterMs: SLOW_MS }) });
    try {
      const { id } = await endpoints.create({ url: receiver.url, event_types: ['link.clicked'] });
      const slowed = await redirects(click);
      console.log(
        `${language.name}: the median redirect takes ${alone.median} ms with no listener, ` +
          `${slowed.median} ms with one that takes ${SLOW_MS} ms`,
      );
      expect(slowed.max).toBeLessThan(SLOW_MS / 2);
      await receiver.waitFor((requests) => requests.length > 0);

      await endpoints.update(id, { event_types: ['link.deleted'] });
      expect(await endpoints.get(id)).toMatchObject({ url: receiver.url, event_types: ['link.deleted'] });
      await click();
      const [newest] = (await server.client.events.list({ limit: 1 })).data;
      expect(newest).toMatchObject({ type: 'link.clicked', delivery_count: 0 });
      await endpoints.delete(id);
      expect((await endpoints.list()).data).toEqual([]);
    } finally {
      await receiver.close();
    }
  },
);

async function redirects(click: () => Promise<number>) {
  const times: number[] = [];
  for (let count = 0; count < 30; count++) times.push(await click());
  times.sort((a, b) => a - b);
  return { median: times[15]!.toFixed(1), max: times.at(-1)! };
}
