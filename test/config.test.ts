import { readFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { resolve } from 'node:path';
import { describe, expect, it } from 'vitest';
import { CONFIG_NAMES, ConfigError, loadConfig } from '../src/config.js';

/** docker-compose.yml sets these itself, or they mean nothing to a container of one process. */
const NOT_OF_COMPOSE = [
  'PORT',
  'HOST',
  'METRICS_PORT',
  'DATA_DIR',
  'DATABASE_URL',
  'TEMPORAL_ADDRESS',
  'TEMPORAL_TLS',
  'TEMPORAL_API_KEY',
  'TEMPORAL_UI_PORT',
  'SUREHOOK_ENCRYPTION_KEY',
  'SUREHOOK_PROCESSES',
];

const namesIn = (text: string, pattern: RegExp) => [...text.matchAll(pattern)].map(([, name]) => name!);

const faultsOf = (env: NodeJS.ProcessEnv): string[] => {
  try {
    loadConfig(env);
  } catch (error) {
    expect(error).toBeInstanceOf(ConfigError);
    return (error as Error).message.split('\n');
  }
  return [];
};

describe('configuration', () => {
  it('asks for nothing: every variable has a default', () => {
    expect(loadConfig({})).toMatchObject({
      port: 8080,
      metricsPort: null,
      host: '127.0.0.1',
      dataDir: resolve('.surehook'),
      databaseUrl: null,
      temporal: { address: null, namespace: 'default', tls: false, apiKey: null },
      temporalUiPort: 8233,
      temporalUiUrl: null,
      adminKey: null,
      encryptionKeys: null,
      quotas: { maxEndpoints: null, maxEventsPerSecond: null },
      allowNetworks: null,
      allowPorts: null,
      proxy: null,
      publicUrl: null,
      portal: { ancestors: [], css: null },
      corsOrigins: [],
      retryScale: 1,
      workflows: 'all',
      attempts: true,
      logLevel: 'info',
    });
  });

  it('reads every variable', () => {
    const encryptionKey = Buffer.alloc(32, 7).toString('base64');
    const config = loadConfig({
      PORT: '0',
      METRICS_PORT: '9090',
      HOST: '::',
      DATA_DIR: '/srv/data',
      DATABASE_URL: 'postgresql://me:secret@db:5432/hooks?sslmode=require',
      TEMPORAL_ADDRESS: 'temporal:7233',
      TEMPORAL_NAMESPACE: 'hooks',
      TEMPORAL_TLS: 'true',
      TEMPORAL_API_KEY: 'key',
      TEMPORAL_UI_PORT: '9000',
      TEMPORAL_UI_URL: 'https://temporal.example.com',
      SUREHOOK_ADMIN_KEY: 'sk_0123456789abcdef',
      SUREHOOK_ENCRYPTION_KEY: encryptionKey,
      SUREHOOK_TENANT_MAX_ENDPOINTS: '0',
      SUREHOOK_TENANT_MAX_EVENTS_PER_SECOND: '50',
      SUREHOOK_ALLOW_NETWORKS: '10.0.0.0/8, fd00::/8',
      SUREHOOK_ALLOW_PORTS: '443, 8443',
      SUREHOOK_PROXY: 'http://user:pass@proxy.internal:3128',
      SUREHOOK_PUBLIC_URL: 'https://hooks.example.com/surehook/',
      SUREHOOK_PORTAL_FRAME_ANCESTORS: 'https://shop.example.com  http://localhost:3000',
      SUREHOOK_PORTAL_CSS: 'package.json',
      SUREHOOK_CORS_ORIGINS: 'https://portal.example.com, http://localhost:3000',
      SUREHOOK_RETRY_SCALE: '0.001',
      SUREHOOK_WORKFLOWS: 'open',
      SUREHOOK_ATTEMPTS: 'false',
      LOG_LEVEL: 'debug',
    });
    expect(config).toMatchObject({
      port: 0,
      metricsPort: 9090,
      host: '::',
      dataDir: '/srv/data',
      databaseUrl: 'postgresql://me:secret@db:5432/hooks?sslmode=require',
      temporal: { address: 'temporal:7233', namespace: 'hooks', tls: true, apiKey: 'key' },
      temporalUiPort: 9000,
      temporalUiUrl: 'https://temporal.example.com',
      adminKey: 'sk_0123456789abcdef',
      encryptionKeys: [encryptionKey],
      quotas: { maxEndpoints: 0, maxEventsPerSecond: 50 },
      allowNetworks: ['10.0.0.0/8', 'fd00::/8'],
      allowPorts: [443, 8443],
      proxy: 'http://user:pass@proxy.internal:3128',
      publicUrl: 'https://hooks.example.com/surehook',
      portal: {
        ancestors: ['https://shop.example.com', 'http://localhost:3000'],
        css: resolve('package.json'),
      },
      corsOrigins: ['https://portal.example.com', 'http://localhost:3000'],
      retryScale: 0.001,
      workflows: 'open',
      attempts: false,
      logLevel: 'debug',
    });
  });

  it('takes half of the cores for processes, what its variable says, and above all its argument', () => {
    const env = { SUREHOOK_PROCESSES: '3' };
    expect(loadConfig({}).processes).toBe(Math.max(1, Math.floor(availableParallelism() / 2)));
    expect(loadConfig(env).processes).toBe(3);
    expect(loadConfig(env, ['--processes', '5']).processes).toBe(5);
    expect(loadConfig(env, ['--processes=64']).processes).toBe(64);
  });

  it.each(['0', '65', '1.5', '-1', '', 'all'])('refuses %j as processes, and names who said so', (number) => {
    const must = 'must be a whole number, 1 to 64';
    expect(() => loadConfig({}, [`--processes=${number}`])).toThrow(`--processes: ${must}`);
    if (number !== '')
      expect(faultsOf({ SUREHOOK_PROCESSES: number })).toEqual([`SUREHOOK_PROCESSES: ${must}`]);
  });

  it('is listed whole in .env.example', () => {
    const listed = namesIn(readFileSync('.env.example', 'utf8'), /^([A-Z_]+)=/gm);
    expect(listed.toSorted()).toEqual(CONFIG_NAMES.toSorted());
  });

  it('reaches containers: docker-compose.yml passes on every variable that applies', () => {
    const passed = namesIn(readFileSync('docker-compose.yml', 'utf8'), /^ {2}([A-Z_]+): \$\{\1:/gm);
    expect([...passed, ...NOT_OF_COMPOSE].toSorted()).toEqual(CONFIG_NAMES.toSorted());
  });

  it('takes an empty variable as unset', () => {
    const empty = Object.fromEntries(CONFIG_NAMES.map((name) => [name, '']));
    expect(loadConfig(empty)).toEqual(loadConfig({}));
  });

  it('names every fault at once, one line each', () => {
    const lines = faultsOf({
      PORT: '70000',
      DATABASE_URL: 'mysql://db/hooks',
      TEMPORAL_ADDRESS: 'http://temporal',
      TEMPORAL_TLS: 'yes',
      TEMPORAL_UI_PORT: ' ',
      SUREHOOK_ENCRYPTION_KEY: Buffer.alloc(31).toString('base64'),
      SUREHOOK_TENANT_MAX_ENDPOINTS: '-1',
      SUREHOOK_TENANT_MAX_EVENTS_PER_SECOND: '0',
      SUREHOOK_ALLOW_NETWORKS: '10.0.0.0/8,10.0.0.1',
      SUREHOOK_ALLOW_PORTS: '443,0',
      SUREHOOK_PROXY: 'socks5://user:canary@proxy:1080',
      SUREHOOK_PORTAL_FRAME_ANCESTORS: 'https://shop.example.com https://shop.example.com/page',
      SUREHOOK_PORTAL_CSS: 'none.css',
      SUREHOOK_RETRY_SCALE: '0',
      SUREHOOK_WORKFLOWS: 'auto',
      SUREHOOK_ATTEMPTS: 'no',
      LOG_LEVEL: 'loud',
    });
    expect(lines.map((line) => line.split(':')[0])).toEqual([
      'PORT',
      'DATABASE_URL',
      'TEMPORAL_ADDRESS',
      'TEMPORAL_TLS',
      'TEMPORAL_UI_PORT',
      'SUREHOOK_ENCRYPTION_KEY',
      'SUREHOOK_TENANT_MAX_ENDPOINTS',
      'SUREHOOK_TENANT_MAX_EVENTS_PER_SECOND',
      'SUREHOOK_ALLOW_NETWORKS',
      'SUREHOOK_ALLOW_PORTS',
      'SUREHOOK_PROXY',
      'SUREHOOK_PORTAL_FRAME_ANCESTORS',
      'SUREHOOK_PORTAL_CSS',
      'SUREHOOK_RETRY_SCALE',
      'SUREHOOK_WORKFLOWS',
      'SUREHOOK_ATTEMPTS',
      'LOG_LEVEL',
    ]);
    expect(lines.join()).not.toContain('canary');
  });

  it('refuses the URL of a proxy whose password cannot be decoded', () => {
    expect(faultsOf({ SUREHOOK_PROXY: 'http://user:canary%zz@proxy:1' })).toEqual([
      'SUREHOOK_PROXY: has a % in its user or password that begins no escape: write it as %25',
    ]);
  });

  it.each([
    ['SUREHOOK_PROXY', 'http:user:canary@proxy:3128', 'must be a URL such as http://proxy.internal:3128'],
    ['SUREHOOK_PROXY', 'http:/user:canary@proxy:3128', 'must be a URL such as http://proxy.internal:3128'],
    ['DATABASE_URL', 'postgres:me:canary@db/hooks', 'must be a postgres:// URL'],
    ['DATABASE_URL', 'postgresql:/me:canary@db/hooks', 'must be a postgres:// URL'],
  ])('refuses %s=%s, a URL without a host to some readers', (name, url, must) => {
    expect(faultsOf({ [name]: url })).toEqual([`${name}: ${must}`]);
  });

  it('shows URLs without credentials, and lists as they are written', () => {
    const { settings } = loadConfig({
      SUREHOOK_PROXY: ' http:///me:canary@proxy:3128',
      SUREHOOK_CORS_ORIGINS: 'https://a.example, https://b.example',
      SUREHOOK_PORTAL_FRAME_ANCESTORS: 'https://a.example  https://b.example',
    });
    const shown = Object.fromEntries(settings.map(({ name, value }) => [name, value]));
    expect(shown).toMatchObject({
      SUREHOOK_PROXY: 'http://proxy:3128',
      SUREHOOK_CORS_ORIGINS: 'https://a.example,https://b.example',
      SUREHOOK_PORTAL_FRAME_ANCESTORS: 'https://a.example https://b.example',
    });
  });

  it('writes the public URL as browsers do, because cookies depend on its scheme', () => {
    const publicUrl = (SUREHOOK_PUBLIC_URL: string) => loadConfig({ SUREHOOK_PUBLIC_URL }).publicUrl;
    expect(publicUrl('HTTPS://Hooks.example.com/')).toBe('https://hooks.example.com');
    expect(publicUrl('https://hooks.example.com/Base//')).toBe('https://hooks.example.com/Base');
  });

  it.each(['https://a;b.example', "https://a'b.example", 'https://a.example;sandbox'])(
    'refuses %s as an origin: it would end a directive of a security policy',
    (origin) => {
      expect(
        faultsOf({ SUREHOOK_CORS_ORIGINS: origin, SUREHOOK_PORTAL_FRAME_ANCESTORS: origin }),
      ).toHaveLength(2);
    },
  );

  it('repeats no value of an argument that it does not know', () => {
    const args = ['--admin-key=canary', '--processes', '2', 'canary', '-xcanary'];
    const known = 'the only argument is --processes with a number';
    expect(() => loadConfig({}, args)).toThrow(new ConfigError(`--admin-key --processes: ${known}`));
    expect(() => loadConfig({}, ['canary'])).toThrow(new ConfigError(`arguments: ${known}`));
  });

  it.each(['https://me:canary@ui.example', 'https://ui.example/?token=canary', 'https://ui.example/#canary'])(
    'refuses %s for the Web UI, which everybody may see in /readyz',
    (TEMPORAL_UI_URL) => {
      const [fault, ...others] = faultsOf({ TEMPORAL_UI_URL });
      expect(fault).toBe(
        'TEMPORAL_UI_URL: must have no user, password, query or fragment: links begin with it',
      );
      expect(others).toEqual([]);
    },
  );

  it('refuses an address of Temporal with a user', () => {
    expect(faultsOf({ TEMPORAL_ADDRESS: 'me:canary@temporal:7233' })).toEqual([
      'TEMPORAL_ADDRESS: must be host:port',
    ]);
  });

  it.each(['0x50', '8080.5', '-1', 'http'])('refuses %s as a port', (PORT) => {
    expect(faultsOf({ PORT })).toEqual(['PORT: must be a port, 0 to 65535']);
  });

  it.each([
    [{ TEMPORAL_NAMESPACE: 'hooks' }, 'TEMPORAL_NAMESPACE'],
    [{ TEMPORAL_TLS: 'true', TEMPORAL_API_KEY: 'key' }, 'TEMPORAL_TLS, TEMPORAL_API_KEY'],
  ])('refuses %j for the embedded Temporal', (env, names) => {
    expect(faultsOf(env)).toEqual([`${names}: only for a Temporal of your own; set TEMPORAL_ADDRESS, too`]);
    expect(faultsOf({ ...env, TEMPORAL_ADDRESS: 'temporal:7233' })).toEqual([]);
  });

  it('takes the defaults for the embedded Temporal, also where they are written out', () => {
    expect(faultsOf({ TEMPORAL_ADDRESS: '', TEMPORAL_NAMESPACE: 'default', TEMPORAL_TLS: 'false' })).toEqual(
      [],
    );
  });

  it('refuses one port for the API and the Web UI, together with what else is wrong', () => {
    const fault = 'PORT, TEMPORAL_UI_PORT: both are 8233; the API and the Web UI need a port each';
    expect(faultsOf({ PORT: '8233' })).toEqual([fault]);
    expect(faultsOf({ PORT: '8233', LOG_LEVEL: 'loud' })).toEqual([
      expect.stringMatching(/^LOG_LEVEL/),
      fault,
    ]);
    expect(faultsOf({ PORT: '0', TEMPORAL_UI_PORT: '0' })).toEqual([]);
    expect(faultsOf({ PORT: '8233', TEMPORAL_ADDRESS: 'temporal:7233' })).toEqual([]);
  });

  it.each(['10/8', '10.0.0.0', '10.0.0.0/33', '10.0.0.0/8,', '0x0a000000/8', '010.0.0.0/8'])(
    'refuses %s as networks, as the guard would',
    (SUREHOOK_ALLOW_NETWORKS) => {
      expect(faultsOf({ SUREHOOK_ALLOW_NETWORKS })).toEqual([
        'SUREHOOK_ALLOW_NETWORKS: must be CIDRs joined by commas, such as 10.0.0.0/8',
      ]);
    },
  );

  it.each(['a key with blanks in it', 'sk_0123456789äöü', 'sk_0123456789ab\t', 'too-short'])(
    'refuses an admin key that no header carries: %j',
    (SUREHOOK_ADMIN_KEY) => {
      expect(faultsOf({ SUREHOOK_ADMIN_KEY })).toEqual([
        expect.stringMatching(/^SUREHOOK_ADMIN_KEY: must be/),
      ]);
    },
  );

  it('reads a list of encryption keys, the first of which encrypts', () => {
    const [first, second] = [1, 2].map((byte) => Buffer.alloc(32, byte).toString('base64'));
    const list = { SUREHOOK_ENCRYPTION_KEYS: `${first}, ${second}` };
    expect(loadConfig(list).encryptionKeys).toEqual([first, second]);
    expect(faultsOf({ SUREHOOK_ENCRYPTION_KEYS: `${first},${first}` })).toEqual([
      'SUREHOOK_ENCRYPTION_KEYS: must not have a key twice',
    ]);
    expect(faultsOf({ SUREHOOK_ENCRYPTION_KEYS: `${first},` })).toEqual([
      expect.stringMatching(/^SUREHOOK_ENCRYPTION_KEYS: must be keys joined by commas/),
    ]);
    expect(faultsOf({ ...list, SUREHOOK_ENCRYPTION_KEY: first })).toEqual([
      expect.stringMatching(/^SUREHOOK_ENCRYPTION_KEY, SUREHOOK_ENCRYPTION_KEYS: set one of them/),
    ]);
  });

  it('never repeats a secret in a fault', () => {
    const secret = 'hunter2-hunter2';
    const env = { SUREHOOK_ADMIN_KEY: secret, SUREHOOK_ENCRYPTION_KEY: secret, DATABASE_URL: secret };
    const lines = faultsOf(env);
    expect(lines).toHaveLength(3);
    expect(lines.join()).not.toContain(secret);
  });
});
