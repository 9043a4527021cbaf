import type { DeliveryStatus } from '../domain/delivery.js';
import { DEAD } from './processes.js';

/**
 * SQL: whether nothing of a tenant may be sent now. Says the same as the function `pause_of`, which would run for each
 * row, and be planned for each statement: these look-ups are made once a statement.
 */
export const isPaused = (tenant: string): string => `((select exists (select from control where scope = 'all')
    or coalesce((select bool_and(paused is not null) from processes
      where makes_attempts and alive_at > now() - ${DEAD}), false))
  or ${tenant} = any(array(select substr(scope, length('tenant:') + 1) from control where scope like 'tenant:%')))`;

/** SQL: whether an open delivery is held. Says the same as the function `held_reason`. */
export const isHeld = (o: string): string => `(${o}.claimed_by is null and (${isPaused(`${o}.tenant`)}
  or exists (select from endpoints ep
    where ep.id = ${o}.endpoint_id and ep.status <> 'enabled' and hold_of(ep) is not null)))`;

/** SQL: the status of an open delivery, the same as in the view `all_deliveries`. */
export const statusOf = (o: string): string => `case when ${o}.end_status is not null then ${o}.end_status
  when ${isHeld(o)} then 'HELD' when ${o}.attempt_count = 0 then 'PENDING' else 'IN_PROGRESS' end`;

const READY: Partial<Record<DeliveryStatus, string>> = {
  HELD: isHeld('o'),
  PENDING: `o.attempt_count = 0 and not ${isHeld('o')}`,
  IN_PROGRESS: `o.attempt_count > 0 and not ${isHeld('o')}`,
};
const CLAIMED: Partial<Record<DeliveryStatus, string>> = {
  PENDING: 'o.end_status is null and o.attempt_count = 0',
  IN_PROGRESS: 'o.end_status is null and o.attempt_count > 0',
  FAILED: `o.end_status = 'FAILED'`,
  CANCELLED: `o.end_status = 'CANCELLED'`,
};
const ENDED: Partial<Record<DeliveryStatus, string>> = {
  DELIVERED: `status = 'DELIVERED'`,
  FAILED: `status = 'FAILED'`,
  CANCELLED: `status = 'CANCELLED'`,
};

/**
 * The tables that hold deliveries of a status, or of any, each with its condition. Ready and claimed ones apart: each has
 * an index.
 */
export function sourcesOf(status?: DeliveryStatus): { table: string; where: string }[] {
  const each = (table: string, where: string, by: Partial<Record<DeliveryStatus, string>>) => {
    if (status === undefined) return [{ table, where }];
    return by[status] === undefined ? [] : [{ table, where: `${where} and ${by[status]}` }];
  };
  return [
    ...each('open_deliveries o', 'o.claimed_by is null', READY),
    ...each('open_deliveries o', 'o.claimed_by is not null', CLAIMED),
    ...each('deliveries', 'true', ENDED),
  ];
}

/**
 * SQL: columns that both tables have, of the delivery with an id. One look-up for each row that it is joined to: a join might
 * read all deliveries, and the view would also find out whether it is held.
 */
export const deliveryOf = (id: string, columns: string): string => `
  (select ${columns} from deliveries where id = ${id}
   union all select ${columns} from open_deliveries where id = ${id} limit 1)`;
