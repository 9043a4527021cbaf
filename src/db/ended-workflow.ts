import { OPEN_STATUSES, type Attempt, type DeliveryStatus } from '../domain/delivery.js';
import { sinceId } from '../lib/ids.js';
import type { Db } from './pool.js';

/** Summary of a workflow's deliveries after all of them have ended. */
export interface EndedWorkflow {
  workflow_id: string;
  event_id: string;
  event_type: string;
  tenant: string;
  deliveries: {
    id: string;
    endpoint_id: string;
    status: DeliveryStatus;
    status_reason: string | null;
    attempt_count: number;
    max_attempts: number;
    attempts: Attempt[];
  }[];
}

/** Null if one of its deliveries is open. */
export async function endedWorkflow(
  db: Db,
  workflowId: string,
  eventId: string,
): Promise<EndedWorkflow | null> {
  const { rows } = await db.query<EndedWorkflow>({
    name: 'ended-workflow',
    text: `
      select d.workflow_id, e.id as event_id, e.type as event_type, e.tenant, json_agg(json_build_object(
        'id', d.id, 'endpoint_id', d.endpoint_id, 'status', d.status, 'status_reason', d.status_reason,
        'attempt_count', d.attempt_count, 'max_attempts', d.max_attempts, 'attempts', coalesce((
          select json_agg(a.detail order by a.number) from attempts a where a.delivery_id = d.id and a.id >= $4), '[]'))
        order by d.endpoint_id) as deliveries
      from events e join deliveries d on d.event_id = e.id and d.id >= $3 and d.workflow_id = $2
      where e.id = $1
      group by e.id, d.workflow_id
      having not bool_or(d.status = any($5))`,
    values: [eventId, workflowId, sinceId('del', eventId), sinceId('att', eventId), OPEN_STATUSES],
  });
  return rows[0] ?? null;
}
