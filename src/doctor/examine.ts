import { join } from 'node:path';
import { Client, Connection } from '@temporalio/client';
import { ConfigError, loadConfig, type Config } from '../config.js';
import { connectForDdl } from '../db/ddl.js';
import { ENCRYPTION_KEY_FILE } from '../embedded/data-files.js';
import { runningPostgresUrl } from '../embedded/running-postgres.js';
import { keptKeys } from '../kept-keys.js';
import { messageOf } from '../lib/error-text.js';
import { serverOf } from '../temporal/connection.js';
import { apiCheck, lookAtApi, type Api } from './api.js';
import { fail, runChecks, type Finding } from './check.js';
import { migrations, serverChecks, tableChecks, type Database } from './database.js';
import { folderChecks, nodeVersion } from './machine.js';
import { temporalChecks } from './temporal.js';

const CONNECT_MS = 3_000;
const STATEMENT_MS = 5_000;
/** For all checks of Temporal. */
const TEMPORAL_MS = 10_000;

export interface ExamineOptions {
  env: NodeJS.ProcessEnv;
  /** Version of this command. */
  version: string;
  /** URL of the API; null: that of the configuration. */
  url: string | null;
  apiKeyFor: (url: string) => Promise<string | undefined>;
  nodeVersion?: string;
  now?: () => number;
  taskQueue?: string;
}

/**
 * Looks at an installation from the machine and with the environment of one of its processes. Of the embedded servers, it
 * finds Postgres by the data folder, and asks the API for Temporal.
 */
export async function examine(options: ExamineOptions): Promise<Finding[]> {
  const { env, now = Date.now } = options;
  const findings = await runChecks([nodeVersion], options.nodeVersion ?? process.versions.node);
  let config: Config;
  try {
    config = loadConfig(env);
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    const faults = fail(error.message.replaceAll('\n', '; '), 'See docs/configuration.md.');
    return [...findings, { check: 'configuration', ...faults }];
  }
  const url = options.url ?? ownUrl(config);
  const api = await lookAtApi(url, await options.apiKeyFor(url), options.version);
  return [
    ...findings,
    ...(config.databaseUrl === null ? await runChecks(folderChecks, config) : []),
    ...(await examineDatabase(config, now)),
    ...(await examineTemporal(config, api, options.taskQueue)),
    ...(await runChecks([apiCheck], api)),
  ];
}

/** The URL by which this machine reaches the API. */
function ownUrl({ host, port }: Config): string {
  const name = /^(0\.0\.0\.0|::)$/.test(host) ? '127.0.0.1' : host;
  return `http://${name.includes(':') ? `[${name}]` : name}:${port}`;
}

async function examineDatabase(config: Config, now: () => number): Promise<Finding[]> {
  const lost = (found: string, mend: string): Finding[] => [{ check: 'postgres', ...fail(found, mend) }];
  const url = config.databaseUrl ?? runningPostgresUrl(join(config.dataDir, 'postgres'));
  if (url === null)
    return lost(
      `no embedded Postgres runs in ${config.dataDir}`,
      'Run this in the folder and with the environment of the server: DATA_DIR or DATABASE_URL. Or start it: surehook start.',
    );
  let db: Database['db'];
  try {
    db = await connectForDdl(url);
  } catch (error) {
    return lost(messageOf(error), 'Start it, or correct DATABASE_URL.');
  }
  try {
    await db.query(`set statement_timeout = ${STATEMENT_MS}`);
    const on: Database = { db, url, keys: await encryptionKeys(config), now };
    const found = await runChecks([...serverChecks, migrations], on);
    const isMigrated = found.at(-1)!.verdict === 'ok';
    return [...found, ...(isMigrated ? await runChecks(tableChecks, on) : [])];
  } finally {
    await db.end();
  }
}

async function encryptionKeys(config: Config): Promise<Database['keys']> {
  const list = await keptKeys(config);
  const file = join(config.dataDir, ENCRYPTION_KEY_FILE);
  return list ? { list } : { missing: `neither SUREHOOK_ENCRYPTION_KEYS nor the file ${file} is there` };
}

async function examineTemporal(
  { temporal: configured }: Config,
  { readiness }: Api,
  taskQueue?: string,
): Promise<Finding[]> {
  const lost = (found: string, mend: string): Finding[] => [{ check: 'temporal', ...fail(found, mend) }];
  const address = configured.address ?? readiness?.temporal?.address;
  if (!address)
    return lost(
      'the embedded Temporal runs with Surehook, which does not answer',
      'Start it, or set TEMPORAL_ADDRESS.',
    );
  let connection: Connection;
  try {
    connection = await Connection.connect({
      ...serverOf({ ...configured, address }),
      connectTimeout: CONNECT_MS,
    });
  } catch (error) {
    return lost(
      `Temporal at ${address} cannot be reached: ${messageOf(error)}`,
      'Start it, or correct TEMPORAL_ADDRESS, TEMPORAL_TLS and TEMPORAL_API_KEY. Events are delivered meanwhile.',
    );
  }
  try {
    const client = new Client({ connection, namespace: configured.namespace });
    const on = { client, address, ...(taskQueue ? { taskQueue } : {}) };
    // Without a deadline, a Temporal whose database hangs would keep the command for ever.
    return await connection.withDeadline(Date.now() + TEMPORAL_MS, () => runChecks(temporalChecks, on));
  } finally {
    await connection.close();
  }
}
