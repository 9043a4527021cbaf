import { Client, Connection } from '@temporalio/client';
import type { Cluster } from './cluster.js';
import { until } from './wait.js';

export interface Leftovers {
  deliveries: number;
  /** Workflows to be started, and those that run. */
  starts: number;
  running: number;
  /** Events accepted since `since` that have no workflow. */
  without: string[];
}

/**
 * Rows still open in Postgres and workflows still open in Temporal, once there are none, or have been no fewer for `ms`: the
 * backfill has no fixed pace, because it leaves a busy machine to deliveries.
 */
export async function leftovers(cluster: Cluster, since: Date, ms: number): Promise<Leftovers> {
  const connection = await Connection.connect({ address: cluster.temporalAddress });
  const client = new Client({ connection });
  const left: Leftovers = { deliveries: -1, starts: -1, running: -1, without: [] };
  const look = async () => {
    const [open] = await cluster.query<Pick<Leftovers, 'deliveries' | 'starts'>>(
      `select (select count(*)::int from open_deliveries) as deliveries,
       (select count(*)::int from workflow_starts) as starts`,
    );
    const running = Number((await client.workflow.count(`ExecutionStatus = 'Running'`)).count);
    Object.assign(left, open, { running });
    const sum = left.deliveries + left.starts + left.running;
    left.without = sum > 0 ? [] : await eventsWithout(cluster, client, since);
    return sum + left.without.length;
  };
  try {
    let fewest = Infinity;
    const isFewer = async () => {
      const count = await look();
      if (count >= fewest) return false;
      fewest = count;
      return true;
    };
    while (fewest > 0 && (await until(isFewer, ms, 500)));
    return left;
  } finally {
    await connection.close();
  }
}

async function eventsWithout(cluster: Cluster, client: Client, since: Date): Promise<string[]> {
  const known = new Set<string>();
  for await (const { workflowId } of client.workflow.list({ pageSize: 1_000 })) known.add(workflowId);
  const events = await cluster.query<{ id: string; workflow_id: string }>(
    'select id, workflow_id from events where created_at >= $1 and delivery_count > 0',
    [since],
  );
  return events.filter(({ workflow_id }) => !known.has(workflow_id)).map(({ id }) => id);
}
