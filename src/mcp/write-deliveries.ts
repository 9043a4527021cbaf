import * as fields from './fields.js';
import { deliveryLine, deliveryShape, shownDelivery } from './delivery-shape.js';
import { writeTool } from './tool.js';

const input = { delivery_id: fields.deliveryId, reason: fields.reason };

const retry = writeTool(
  'write_retry_delivery',
  { destructive: false, idempotent: false },
  {
    title: 'Retry a delivery',
    description:
      'Sends a webhook: the next attempt of an open delivery at once, or an ended one again, as a new delivery of the same event.',
    input,
    output: deliveryShape,
    async run({ deliveries }, { delivery_id, reason }, options) {
      const delivery = await deliveries.retry(delivery_id, { reason }, options);
      return { text: deliveryLine(delivery), data: shownDelivery(delivery) };
    },
  },
);

const cancel = writeTool(
  'write_cancel_delivery',
  { destructive: true, idempotent: true },
  {
    title: 'Cancel a delivery',
    description: 'Ends an open delivery: no further attempt is made. An attempt under way ends by itself.',
    input,
    output: deliveryShape,
    async run({ deliveries }, { delivery_id, reason }, options) {
      const delivery = await deliveries.cancel(delivery_id, { reason }, options);
      return { text: deliveryLine(delivery), data: shownDelivery(delivery) };
    },
  },
);

export const writeDeliveries = [retry, cancel];
