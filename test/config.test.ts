import { resolve } from 'node:path';
import { expect, test } from 'vitest';
import { loadConfig } from '../src/config.js';

test('nothing set is the embedded default', () => {
  expect(loadConfig({})).toMatchObject({
    port: 8080,
    host: '127.0.0.1',
    dataDir: resolve('.surehook'),
    databaseUrl: null,
    temporal: { address: null, namespace: 'default', tls: false, apiKey: null },
    allowNetworks: null,
    retryScale: 1,
  });
});

test('an empty variable counts as unset', () => {
  expect(loadConfig({ PORT: '', DATABASE_URL: '' })).toMatchObject({ port: 8080, databaseUrl: null });
});

test('every fault is told at once, by its name', () => {
  const bad = {
    PORT: '99999',
    DATABASE_URL: 'mysql://x',
    TEMPORAL_TLS: 'yes',
    SUREHOOK_ALLOW_NETWORKS: '10.0.0.0/8,nonsense',
    SUREHOOK_ENCRYPTION_KEY: 'short',
    SUREHOOK_RETRY_SCALE: '0',
  };
  expect(() => loadConfig(bad)).toThrow(Error);
  for (const name of Object.keys(bad)) expect(() => loadConfig(bad)).toThrow(name);
});

test('networks are CIDRs joined by commas', () => {
  const { allowNetworks } = loadConfig({ SUREHOOK_ALLOW_NETWORKS: '10.0.0.0/8, fd00::/8' });
  expect(allowNetworks).toEqual(['10.0.0.0/8', 'fd00::/8']);
});
