import type pg from 'pg';
import { encryptionFault } from '../db/encryption-check.js';
import { migrationState } from '../db/migrate.js';
import { countOpen, type OpenCounts } from '../db/open-counts.js';
import { missingPartitions } from '../db/partitions.js';
import { listPauses } from '../db/pauses.js';
import { requireSession } from '../db/pooler.js';
import { listProcesses, type RunningProcess } from '../db/processes.js';
import { createSecretCipher } from '../lib/secret-cipher.js';
import { messageOf } from '../lib/error-text.js';
import { fail, ok, warn, type Check, type Look } from './check.js';

export interface Database {
  db: pg.Client;
  url: string;
  /** Encryption keys of the configuration, or why there are none. */
  keys: { list: string[] } | { missing: string };
  /** Time of this machine, in milliseconds. */
  now: () => number;
}

const TESTED_MAJOR = 18;
/** Enough connections to notice a pooler that changes servers. */
const SESSION_CONNECTIONS = 4;
const MAX_CONNECTIONS_USED = 0.85;
/** Receivers refuse a signature whose time is 5 minutes from theirs. */
const CLOCK_MS = { warn: 5_000, fail: 60_000 };
/** The first attempts of a process that starts, or of a resumed pause, take a while. */
const MAX_OVERDUE_SECONDS = 60;

type Server = Record<'version' | 'name' | 'size', string> &
  Record<'used' | 'most', number> & { standby: boolean };

const postgres: Check<Database> = {
  check: 'postgres',
  async look({ db, url }) {
    const { rows } = await db.query<Server>(`
      select current_setting('server_version') as version, current_database() as name,
        pg_size_pretty(pg_database_size(current_database())) as size, pg_is_in_recovery() as standby,
        current_setting('max_connections')::int as most,
        (select count(*)::int from pg_stat_activity where backend_type = 'client backend') as used`);
    const poolerFault = await requireSession(url, SESSION_CONNECTIONS).then(() => null, messageOf);
    return judgeServer(rows[0]!, poolerFault);
  },
};

/** `poolerFault`: why sessions cannot be held; null where they can. */
export function judgeServer(
  { version, name, size, standby, most, used }: Server,
  poolerFault: string | null,
): Look {
  const found = `Postgres ${version}, database ${name} of ${size}, ${used} of ${most} connections in use`;
  if (standby) return fail(`${found}; it is a read-only standby`, 'Name the primary in DATABASE_URL.');
  if (poolerFault !== null)
    return fail(poolerFault, 'See “Processes and connections” in docs/configuration.md.');
  if (used > most * MAX_CONNECTIONS_USED)
    return warn(found, 'Raise max_connections, or run fewer processes.');
  return Number.parseInt(version) < TESTED_MAJOR
    ? warn(found, `Use Postgres ${TESTED_MAJOR}: older ones are not tested.`)
    : ok(found);
}

/** Whether the tables are those of this version: the checks after this one read them. */
export const migrations: Check<Database> = {
  check: 'migrations',
  async look({ db }) {
    const { isEmpty, fresh, unknown } = await migrationState(db);
    const mend = 'Run surehook migrate, or start Surehook, which does it.';
    if (unknown.length > 0)
      return fail(
        `another version of Surehook has applied ${unknown.join(', ')}`,
        'Use that version, or a newer one.',
      );
    if (isEmpty) return fail('the database is empty', mend);
    return fresh.length > 0 ? fail(`not applied: ${fresh.join(', ')}`, mend) : ok('all applied');
  },
};

const partitions: Check<Database> = {
  check: 'partitions',
  async look({ db, now }) {
    const missing = await missingPartitions(db, new Date(now()));
    return missing.length === 0
      ? ok('made for the weeks ahead')
      : warn(
          `missing: ${missing.join(', ')}`,
          'End long readers such as pg_dump; a running process then makes them within a minute.',
        );
  },
};

const encryption: Check<Database> = {
  check: 'encryption key',
  async look({ db, keys }) {
    const mend = 'Set SUREHOOK_ENCRYPTION_KEYS to the keys of the running processes: docs/encryption.md.';
    if ('missing' in keys) return fail(keys.missing, mend);
    const cipher = createSecretCipher(keys.list);
    const fault = await encryptionFault(db, cipher);
    return fault ? fail(fault, mend) : ok(`${cipher.keyIds.join(', ')}: the secrets can be read`);
  },
};

const clock: Check<Database> = {
  check: 'clock',
  async look({ db, now }) {
    const before = now();
    const { rows } = await db.query<{ at: Date }>('select clock_timestamp() as at');
    const offset = rows[0]!.at.getTime() - (before + now()) / 2;
    const found = `${(Math.abs(offset) / 1_000).toFixed(1)} s ${offset < 0 ? 'ahead of' : 'behind'} the clock of Postgres`;
    const mend = 'Set both by NTP: receivers refuse signatures whose time is 5 minutes from theirs.';
    if (Math.abs(offset) > CLOCK_MS.fail) return fail(found, mend);
    return Math.abs(offset) > CLOCK_MS.warn ? warn(found, mend) : ok(found);
  },
};

const processes: Check<Database> = {
  check: 'processes',
  look: async ({ db }) => judgeProcesses(await listProcesses(db)),
};

export function judgeProcesses(
  all: Pick<RunningProcess, 'id' | 'alive' | 'makes_attempts' | 'paused'>[],
): Look {
  const alive = all.filter(({ alive }) => alive);
  const senders = alive.filter(({ makes_attempts }) => makes_attempts);
  if (alive.length === 0) return fail('none runs', 'Start Surehook: surehook start, or an API and a worker.');
  const found = `${alive.length} running, ${senders.length} of them make attempts`;
  if (senders.length === 0) return fail(found, 'Start a worker, or an API without SUREHOOK_ATTEMPTS=false.');
  const paused = senders.find(({ paused }) => paused !== null);
  return paused
    ? warn(
        `${found}; ${paused.id} has a file PAUSE: ${paused.paused}`,
        'Remove the file when sending may go on.',
      )
    : ok(found);
}

const pauses: Check<Database> = {
  check: 'pauses',
  async look({ db }) {
    const all = await listPauses(db);
    const everything = all.find(({ scope }) => scope === 'all');
    if (everything) {
      const { paused_at, paused_by, reason } = everything;
      return warn(
        `everything is paused since ${paused_at.toISOString()} by ${paused_by}: ${reason}`,
        'surehook resume, when sending may go on.',
      );
    }
    return ok(all.length === 0 ? 'nothing is paused' : `${all.length} tenant(s) are paused`);
  },
};

const backlog: Check<Database> = {
  check: 'backlog',
  look: async ({ db }) => judgeBacklog(await countOpen(db)),
};

export function judgeBacklog({ byStatus, overdue, oldestSeconds, workflowStartsWaiting }: OpenCounts): Look {
  const open = byStatus.PENDING + byStatus.IN_PROGRESS;
  const found = `${open} open deliveries, ${byStatus.HELD} held, ${overdue} overdue, ${workflowStartsWaiting} workflows to start`;
  return oldestSeconds > MAX_OVERDUE_SECONDS
    ? warn(
        `${found}; the oldest for ${Math.round(oldestSeconds)} s`,
        'See “When something waits” in docs/operating.md.',
      )
    : ok(found);
}

export const serverChecks = [postgres, clock];
export const tableChecks = [partitions, encryption, processes, pauses, backlog];
