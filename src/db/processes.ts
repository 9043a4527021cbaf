import type { Db } from './pool.js';

/** A process without a heartbeat for this long is dead; one with heartbeats for this long may say so. */
export const DEAD = `interval '10 seconds'`;
/** Heartbeats come at least twice a second: a longer gap ends a process's right to call others dead. */
const GAP = `interval '4 seconds'`;

export interface Heartbeat {
  id: string;
  makesAttempts: boolean;
  /** The reason in this process's file PAUSE; null: there is none. */
  paused: string | null;
  /** Age of its oldest event whose workflow is not started yet, in milliseconds; 0: all are. */
  startsBehindMs: number;
  /** Ids of its encryption keys, the sealing one first. */
  keyIds: readonly string[];
}

/** Shows that a process lives. Also brings back one that others called dead. */
export async function beat(
  db: Db,
  { id, makesAttempts, paused, startsBehindMs, keyIds }: Heartbeat,
): Promise<void> {
  await db.query({
    name: 'heartbeat',
    text: `
      insert into processes as p (id, makes_attempts, paused, started_to, key_ids)
      values ($1, $2, $3, now() - $4 * interval '1 millisecond', $5)
      on conflict (id) do update set alive_at = now(), paused = excluded.paused, started_to = excluded.started_to,
        steady_since = case when p.alive_at < now() - ${GAP} then now() else p.steady_since end`,
    values: [id, makesAttempts, paused, startsBehindMs, keyIds],
  });
}

export interface RunningProcess {
  id: string;
  started_at: Date;
  heartbeat_at: Date;
  /** False: silent for long enough that its claims are over. */
  alive: boolean;
  makes_attempts: boolean;
  paused: string | null;
}

/** Processes that were not stopped, the oldest first. */
export async function listProcesses(db: Db): Promise<RunningProcess[]> {
  const { rows } = await db.query<RunningProcess>(`
    select id, started_at, alive_at as heartbeat_at, alive_at > now() - ${DEAD} as alive, makes_attempts, paused
    from processes order by started_at, id limit 1000`);
  return rows;
}

/** The ids of the encryption keys of each running process, the sealing one first. */
export async function runningKeyRings(db: Db): Promise<string[][]> {
  const { rows } = await db.query<{ key_ids: string[] }>(
    `select key_ids from processes where alive_at > now() - ${DEAD}`,
  );
  return rows.map(({ key_ids }) => key_ids);
}

/** Removes a process that has released its claims. */
export async function removeProcess(db: Db, id: string): Promise<void> {
  await db.query('delete from processes where id = $1', [id]);
}

/** Removes a process that died, unless it has shown since that it lives. */
export async function removeDead(db: Db, id: string): Promise<void> {
  await db.query(`delete from processes where id = $1 and alive_at <= now() - ${DEAD}`, [id]);
}

/**
 * Processes that died. Null: `judge` may not tell, because its own heartbeats had a gap, such as an outage of Postgres:
 * others may not have had the time yet to show that they live, or to record what they did meanwhile.
 */
export async function deadProcesses(db: Db, judge: string): Promise<string[] | null> {
  const { rows } = await db.query<{ steady: boolean; dead: string[] }>({
    name: 'dead-processes',
    text: `
      select exists (select from processes
          where id = $1 and steady_since <= now() - ${DEAD} and alive_at > now() - ${GAP}) as steady,
        array(select id from processes where alive_at <= now() - ${DEAD}) as dead`,
    values: [judge],
  });
  return rows[0]!.steady ? rows[0]!.dead : null;
}
