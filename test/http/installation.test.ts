import type { z } from 'zod';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { CONFIG_NAMES, loadConfig } from '../../src/config.js';
import type { processList, settings } from '../../src/http/answers/installation.js';
import { startTestService, type TestService } from '../support/service.js';

type Settings = z.input<typeof settings>;

const KEY = Buffer.alloc(32, 77).toString('base64');
const OTHER_KEY = Buffer.alloc(32, 78).toString('base64');
/** Every variable, with values that nobody may see. */
const ENV = {
  ...{ PORT: '8081', HOST: '127.0.0.1', METRICS_PORT: '9090', DATA_DIR: '/srv/data' },
  DATABASE_URL: 'postgres://me:canary-1@db.example:5433/hooks?password=canary-2',
  TEMPORAL_ADDRESS: 'temporal.example:7233',
  ...{ TEMPORAL_NAMESPACE: 'hooks', TEMPORAL_TLS: 'true', TEMPORAL_API_KEY: 'canary-3' },
  ...{ TEMPORAL_UI_PORT: '8234', TEMPORAL_UI_URL: 'https://temporal.example/ui' },
  SUREHOOK_ADMIN_KEY: 'canary-4-of-enough-length',
  SUREHOOK_ENCRYPTION_KEYS: `${KEY},${OTHER_KEY}`,
  ...{ SUREHOOK_TENANT_MAX_ENDPOINTS: '7', SUREHOOK_TENANT_MAX_EVENTS_PER_SECOND: '8' },
  ...{ SUREHOOK_ALLOW_NETWORKS: '10.0.0.0/8,fd00::/8', SUREHOOK_ALLOW_PORTS: '443,8443' },
  SUREHOOK_PROXY: 'http://me:canary-5@proxy.example:3128',
  ...{ SUREHOOK_PUBLIC_URL: 'https://hooks.example', SUREHOOK_CORS_ORIGINS: 'https://portal.example' },
  ...{ SUREHOOK_PORTAL_FRAME_ANCESTORS: 'https://app.example', SUREHOOK_PORTAL_CSS: import.meta.filename },
  ...{ SUREHOOK_RETRY_SCALE: '0.5', SUREHOOK_WORKFLOWS: 'open', SUREHOOK_ATTEMPTS: 'false' },
  ...{ SUREHOOK_PROCESSES: '3', LOG_LEVEL: 'warn' },
};
/** Excludes the list of keys. */
const ONE_KEY = 'SUREHOOK_ENCRYPTION_KEY';

let t: TestService;
beforeAll(async () => {
  t = await startTestService({
    settings: loadConfig(ENV).settings,
    proxy: ENV.SUREHOOK_PROXY,
    quotas: { maxEndpoints: 7, maxEventsPerSecond: null },
  });
});
afterAll(() => t.stop());

describe('GET /v1/settings', () => {
  it('names every variable, and shows no secret', async () => {
    const { body } = await t.call<Settings>('GET', '/v1/settings');
    expect(body.settings.map(({ name }) => name)).toEqual(CONFIG_NAMES);
    expect([...Object.keys(ENV), ONE_KEY].sort()).toEqual([...CONFIG_NAMES].sort());
    const text = JSON.stringify(body);
    expect(text).not.toContain('canary');
    for (const key of [KEY, OTHER_KEY]) expect(text).not.toContain(key);
    for (const { name, value, source, secret } of body.settings) {
      expect(source, name).toBe(name === ONE_KEY ? 'default' : 'environment');
      expect(secret, name).toBe(/KEY/.test(name));
      if (secret) expect(value, name).toBe(name === ONE_KEY ? 'not set' : 'set');
      else expect(value, name).not.toBeNull();
    }
    expect(Object.fromEntries(body.settings.map(({ name, value }) => [name, value]))).toMatchObject({
      DATABASE_URL: 'postgres://db.example:5433/hooks',
      SUREHOOK_PROXY: 'http://proxy.example:3128',
      SUREHOOK_ALLOW_NETWORKS: '10.0.0.0/8,fd00::/8',
      ...{ SUREHOOK_ALLOW_PORTS: '443,8443', SUREHOOK_ATTEMPTS: 'false', SUREHOOK_RETRY_SCALE: '0.5' },
    });
  });

  it('shows what is in use, and the database without its user', async () => {
    const { body } = await t.call<Settings>('GET', '/v1/settings');
    const { hostname, port, pathname, username } = new URL(t.databaseUrl);
    expect(body).toMatchObject({
      ...{ version: '0.1.0', node: process.version, processes: 1, makes_attempts: true, workflows: 'all' },
      database: { host: hostname, port: Number(port), name: pathname.slice(1) },
      egress: { proxy: 'http://proxy.example:3128', allow_ports: null },
      retry_policy: { max_attempts: 12 },
      limits: { payload_bytes: 256 * 1024, endpoints_per_tenant: 7, events_per_second_per_tenant: null },
    });
    expect(JSON.stringify(body.database)).not.toContain(username);
  });

  it('shows defaults as such, and variables without one as not set', () => {
    const { settings: shown } = loadConfig({ SUREHOOK_PROCESSES: '2' }, ['--processes', '4']);
    const of = (name: string) => shown.find((one) => one.name === name);
    expect(of('PORT')).toEqual({ name: 'PORT', value: '8080', source: 'default', secret: false });
    expect(of('DATABASE_URL')).toMatchObject({ value: null, source: 'default' });
    expect(of('SUREHOOK_ADMIN_KEY')).toMatchObject({ value: 'not set', secret: true });
    expect(of('SUREHOOK_PROCESSES')).toMatchObject({ value: '4', source: 'environment' });
  });
});

describe('GET /v1/processes', () => {
  it('lists processes with their heartbeat, also one that fell silent', async () => {
    await t.pool.query(
      `insert into processes (id, started_at, alive_at, makes_attempts, paused)
       values ('prc_silent', now() - interval '1 hour', now() - interval '5 seconds', false, 'a file')`,
    );
    const { body } = await t.call<z.input<typeof processList>>('GET', '/v1/processes');
    expect(body.data).toMatchObject([
      { id: 'prc_silent', alive: true, makes_attempts: false, paused: 'a file' },
      { alive: true, makes_attempts: true, paused: null },
    ]);
    const [silent, own] = body.data;
    expect(Date.now() - Date.parse(String(own!.heartbeat_at))).toBeLessThan(10_000);
    await t.pool.query(`update processes set alive_at = now() - interval '11 seconds' where id = $1`, [
      silent!.id,
    ]);
    const { body: later } = await t.call<z.input<typeof processList>>('GET', '/v1/processes');
    const shown = later.data.find(({ id }) => id === silent!.id);
    // Another process removes it at any time.
    expect(shown?.alive ?? false).toBe(false);
  });
});
