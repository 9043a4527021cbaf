import { readFile } from 'node:fs/promises';
import pg from 'pg';
import type { Logger } from 'pino';
import { API_KEY_CHANNEL } from '../db/api-keys.js';
import type { Db } from '../db/pool.js';
import { EVENT_TYPE_CHANNEL } from '../db/event-types.js';
import {
  CONTROL_CHANNEL,
  ENDPOINT_CHANNEL,
  FILE_PAUSE,
  listPauses,
  TENANT_CHANNEL,
  type Pause,
} from '../db/pauses.js';

export interface KillSwitch {
  /** Why nothing of this tenant may be sent now; null: go on. Null instead of a tenant asks about everything. */
  paused(tenant: string | null): string | null;
  /** The reason in the file that pauses this process; null: there is none. */
  file(): string | null;
  /** Calls back after a change; also when a held endpoint goes on. */
  onChange(listener: () => void): void;
  /** Calls back with the id of an endpoint that has changed; with null where any may have. */
  onEndpoint(listener: Told): void;
  /** The same for a tenant whose rate has changed. */
  onTenant(listener: Told): void;
  /** The same with the name of an event type, and with the id of an API key. */
  onEventType(listener: Told): void;
  onApiKey(listener: Told): void;
  /** Whether everything committed more than a second ago is known here. */
  current(): boolean;
  /** Whether heartbeats have come without a gap in which others may have called this process dead: until now, and from `since` on. */
  alive(since?: number): boolean;
  close(): Promise<void>;
}

type Told = (changed: string | null) => void;

/** Maximum age of the pauses that a process knows from memory. */
export const CURRENT_MS = 1_000;
/** Less than the 10 s after which a process counts as dead. */
const ALIVE_MS = 9_000;
// A notification that got lost costs at most this; operators were promised one second.
const POLL_MS = 400;
const QUERY_MS = 2_500;
/** Longer: a busy machine takes seconds for a new connection, and giving up makes it busier. */
const CONNECT_MS = 5_000;
const END_MS = 1_000;
const RECONNECT_MS = 250;

/**
 * Pauses made by operators, known to every process within a second: notified by Postgres, polled for on the same
 * connection all the while, and read from the file `PAUSE` where even that is away. Resolves once it is known.
 */
export async function createKillSwitch(options: {
  databaseUrl: string;
  /** Present: everything is paused in this process. Its first line is the reason. */
  pauseFile: string | undefined;
  /** Called on the control connection with each read of the pauses, at least twice a second. */
  beat?(db: Db, file: string | null): Promise<void>;
  log: Logger;
}): Promise<KillSwitch> {
  const { databaseUrl, pauseFile, beat = async () => {}, log } = options;
  const listeners: (() => void)[] = [];
  const listenersOf: Record<string, Told[]> = {
    [ENDPOINT_CHANNEL]: [],
    [TENANT_CHANNEL]: [],
    [EVENT_TYPE_CHANNEL]: [],
    [API_KEY_CHANNEL]: [],
  };
  let currentAt = -Infinity;
  let aliveAt = -Infinity;
  /** The end of the last gap: claims made before it may be over. */
  let aliveSince = -Infinity;
  const notifyListeners = () => listeners.forEach((listener) => listener());
  let pauses = new Map<string, string>();
  let file: string | null = null;
  let closed = false;
  let wake: () => void = () => {};

  async function readFileState(): Promise<void> {
    const before = file;
    file = pauseFile ? await readPauseFile(pauseFile) : null;
    if (file === before) return;
    log.warn({ reason: file }, file === null ? 'the file PAUSE is gone' : 'paused by the file PAUSE');
    // The heartbeat shows it to others.
    wake();
    notifyListeners();
  }

  /** Until the connection breaks. The first read comes before anything else is done on it. */
  async function follow(known: () => void): Promise<void> {
    const client = new pg.Client({
      connectionString: databaseUrl,
      connectionTimeoutMillis: CONNECT_MS,
      query_timeout: QUERY_MS,
      application_name: 'surehook control',
    });
    let told = true;
    client.on('error', () => {});
    client.on('notification', ({ channel, payload }) => {
      const changed = listenersOf[channel];
      if (changed) return changed.forEach((listener) => listener(payload ?? null));
      told = true;
      wake();
    });
    try {
      await client.connect();
      await client.query(`listen ${CONTROL_CHANNEL}`);
      for (const channel of Object.keys(listenersOf)) await client.query(`listen ${channel}`);
      // Notifications may have been missed before `listen`.
      for (const listener of Object.values(listenersOf).flat()) listener(null);
      while (!closed) {
        const notified = told;
        told = false;
        const before = JSON.stringify([...pauses]);
        const asked = performance.now();
        pauses = new Map((await listPauses(client)).map(({ scope, reason }: Pause) => [scope, reason]));
        // Notifications come before the answer to what was asked after them.
        currentAt = asked;
        const began = performance.now();
        await beat(client, file);
        if (performance.now() - aliveAt >= ALIVE_MS) aliveSince = performance.now();
        aliveAt = began;
        known();
        if (notified || JSON.stringify([...pauses]) !== before) notifyListeners();
        if (!told) await new Promise<void>((resolve) => (wake = afterAtMost(POLL_MS, resolve)));
      }
    } finally {
      await Promise.race([client.end(), sleep(END_MS)]).catch(() => {});
    }
  }

  async function followAlways(known: () => void): Promise<void> {
    while (!closed) {
      await follow(known).catch((error: unknown) => log.debug({ err: error }, 'control connection lost'));
      if (!closed) await sleep(RECONNECT_MS);
    }
  }

  await readFileState();
  const fileTimer = setInterval(() => void readFileState(), POLL_MS);
  const { following } = await new Promise<{ following: Promise<void> }>((resolve) => {
    const following = followAlways(() => resolve({ following }));
  });
  return {
    paused(tenant) {
      if (file !== null) return FILE_PAUSE + file;
      const all = pauses.get('all');
      if (all !== undefined) return `everything paused: ${all}`;
      const reason = tenant === null ? undefined : pauses.get(`tenant:${tenant}`);
      return reason === undefined ? null : `tenant paused: ${reason}`;
    },
    file: () => file,
    onChange: (listener) => listeners.push(listener),
    onEndpoint: (listener) => listenersOf[ENDPOINT_CHANNEL]!.push(listener),
    onTenant: (listener) => listenersOf[TENANT_CHANNEL]!.push(listener),
    onEventType: (listener) => listenersOf[EVENT_TYPE_CHANNEL]!.push(listener),
    onApiKey: (listener) => listenersOf[API_KEY_CHANNEL]!.push(listener),
    current: () => performance.now() - currentAt < CURRENT_MS,
    alive: (since = Infinity) => performance.now() - aliveAt < ALIVE_MS && since >= aliveSince,
    async close() {
      closed = true;
      clearInterval(fileTimer);
      wake();
      await following;
    },
  };
}

async function readPauseFile(path: string): Promise<string | null> {
  const text = await readFile(path, 'utf8').catch((error: NodeJS.ErrnoException) =>
    error.code === 'ENOENT' || error.code === 'ENOTDIR' ? null : '',
  );
  if (text === null) return null;
  return text.split('\n')[0]!.trim().slice(0, 200) || 'by the file PAUSE';
}

const sleep = (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms).unref());

/** Calls `done` once: when called itself, or after `ms`. */
function afterAtMost(ms: number, done: () => void): () => void {
  const timer = setTimeout(done, ms);
  return () => {
    clearTimeout(timer);
    done();
  };
}
