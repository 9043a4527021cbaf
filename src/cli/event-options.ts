import { InvalidArgumentError, type Command } from 'commander';
import type { Answer } from '../client/index.js';
import { defined } from '../lib/defined.js';
import type { Output } from './output.js';
import { bold, dim } from './text.js';

export interface EventOptions {
  tenant?: string;
  header?: Record<string, string>;
  contentType?: string;
  key?: string;
}

/** The options that `send` and `publish` share. */
export const withEventOptions = (command: Command): Command =>
  command
    .option('--tenant <tenant>', 'the customer whom the event is about')
    .option('--header <name: value>', 'an extra header, repeatable', addHeader)
    .option('--content-type <type>', 'of the body; the payload is text unless it is JSON')
    .option('--key <key>', 'idempotency key: the same key and request is accepted once');

function addHeader(given: string, headers: Record<string, string> = {}): Record<string, string> {
  const [, name, value] = /^([^:\s]+):\s*(.*)$/.exec(given) ?? [];
  if (name === undefined || value === undefined) throw new InvalidArgumentError('Give it as "Name: value".');
  return { ...headers, [name]: value };
}

/** The fields of the request that these options set. */
export const eventFields = ({ tenant, header, contentType, key }: EventOptions) =>
  defined({ tenant, headers: header, content_type: contentType, idempotencyKey: key });

/** Writes an event that was accepted, and its deliveries. */
export function writeAccepted(out: Output, event: Answer<'postEvent'>): void {
  out.result(event, () => {
    out.line(
      bold(event.id),
      event.duplicate ? '  accepted before: nothing is delivered twice' : '  accepted',
    );
    for (const { id, endpoint_id, status } of event.deliveries)
      out.line(`  ${id}  ${endpoint_id}  `, dim(status));
    if (event.delivery_count === 0)
      out.note(`No endpoint of tenant ${event.tenant} subscribes to ${event.type}.`);
  });
}
