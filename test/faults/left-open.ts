import { Connection } from '@temporalio/client';
import type { Cluster } from './cluster.js';
import { until } from './wait.js';

/** What is still open in Postgres and in Temporal when there is nothing left to do, given `ms` to come to its end. */
export async function leftOpen(
  cluster: Cluster,
  ms: number,
): Promise<{ deliveries: number; workflows: number }> {
  const connection = await Connection.connect({ address: cluster.temporalAddress });
  const open = { deliveries: -1, workflows: -1 };
  try {
    await until(async () => {
      const [row] = await cluster.query<{ count: number }>(
        `select count(*)::int as count from deliveries where completed_at is null`,
      );
      const { count } = await connection.workflowService.countWorkflowExecutions({
        namespace: 'default',
        query: `ExecutionStatus = 'Running'`,
      });
      Object.assign(open, { deliveries: row!.count, workflows: Number(count) });
      return open.deliveries === 0 && open.workflows === 0;
    }, ms);
    return open;
  } finally {
    await connection.close();
  }
}
