import type { Command } from 'commander';
import {
  CLASSIFICATIONS,
  DELIVERY_STATUSES,
  type Classification,
  type DeliveryStatus,
} from '../domain/delivery.js';
import { defined } from '../lib/defined.js';
import { oneOf, withTimes, type TimeOptions } from './list.js';

export interface DeliveryFilters extends TimeOptions {
  status?: DeliveryStatus;
  tenant?: string;
  endpoint?: string;
  type?: string;
  classification?: Classification;
}

/** The options that choose deliveries, for lists and for replays. */
export const withDeliveryFilters = (command: Command): Command =>
  withTimes(command)
    .option('--status <status>', 'such as FAILED', oneOf(DELIVERY_STATUSES))
    .option('--tenant <tenant>', 'of this tenant')
    .option('--endpoint <id>', 'to this endpoint')
    .option('--type <type>', 'of this event type')
    .option('--classification <name>', 'of the last attempt, such as TIMEOUT', oneOf(CLASSIFICATIONS));

/** The filters by the names of the API. */
export const deliveryFilters = ({
  status,
  tenant,
  endpoint,
  type,
  classification,
  from,
  to,
}: DeliveryFilters) =>
  defined({
    status,
    tenant,
    endpoint_id: endpoint,
    event_type: type,
    classification,
    from,
    to,
  });
