import { execFile } from 'node:child_process';
import { chmod, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import pg from 'pg';
import type { TestProject } from 'vitest/node';
import { migrate } from '../../src/db/migrate.js';
import { startPostgres } from '../../src/embedded/postgres.js';
import { startTemporal } from '../../src/embedded/temporal.js';
import { findTemporal } from '../../src/embedded/temporal-binary.js';
import { TEMPLATE } from './template.js';

declare module 'vitest' {
  interface ProvidedContext {
    databaseUrl: string;
    temporalAddress: string;
  }
}

export interface TestServers {
  databaseUrl: string;
  temporalAddress: string;
  stop(): Promise<void>;
}

/** A real Postgres (fsync off) and a real in-memory Temporal server; `stop` removes everything. */
export async function startTestServers(): Promise<TestServers> {
  const release: (() => Promise<void>)[] = [];
  const stop = async () => {
    for (const step of release.splice(0).reverse()) await step();
  };
  try {
    const dir = await mkdtemp(join(tmpdir(), 'surehook-test-'));
    release.push(() => rm(dir, { recursive: true, force: true }));
    await chmod(dir, 0o711);
    const binary = await findTemporal({ progress: console.log, env: process.env });
    const settings = ['fsync=off', 'max_connections=200'];
    const postgres = await startPostgres({ dir: join(dir, 'postgres'), settings, makesDatabases: true });
    release.push(() => postgres.stop());
    await makeTemplate(postgres.url);
    const temporal = await startTemporal({
      binary,
      dir: join(dir, 'temporal'),
      inMemory: true,
      uiPort: null,
    });
    release.push(() => temporal.stop());
    return { databaseUrl: postgres.url, temporalAddress: temporal.address, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

/** Makes a database that has all migrations; files copy it, which takes half as long. */
async function makeTemplate(databaseUrl: string): Promise<void> {
  const admin = new pg.Client(databaseUrl);
  await admin.connect();
  await admin.query(`create database ${TEMPLATE}`);
  await admin.end();
  const template = new URL(databaseUrl);
  template.pathname = `/${TEMPLATE}`;
  await migrate(template.toString());
}

/** Global, because each project loads this module anew. */
const shared = globalThis as { surehookTestServers?: Promise<TestServers> };

/** One pair of servers for all projects of a run; each test file creates its own database. Tests start compiled processes. */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  await promisify(execFile)(process.execPath, ['build.mjs']);
  const servers = await (shared.surehookTestServers ??= startTestServers());
  project.provide('databaseUrl', servers.databaseUrl);
  project.provide('temporalAddress', servers.temporalAddress);
  return () => servers.stop();
}
