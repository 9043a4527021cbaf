import { z } from 'zod';
import type { SurehookClient } from '../client/index.js';
import * as fields from './fields.js';
import { writeTool } from './tool.js';

const input = {
  scope: z.enum(['all', 'tenant', 'endpoint']).describe('all: everything, of every customer.'),
  tenant: fields.tenant.exactOptional().describe('With the scope tenant, only.'),
  endpoint_id: fields.endpointId.exactOptional().describe('With the scope endpoint, only.'),
  reason: fields.reason.describe('Why, in one line: everybody who sees a held delivery reads it.'),
};
type Target = { scope: 'all' | 'tenant' | 'endpoint'; tenant?: string; endpoint_id?: string };

const output = { scope: z.string(), target: z.string().nullable(), paused: z.boolean() };

const pause = writeTool(
  'write_pause',
  { destructive: true, idempotent: true },
  {
    title: 'Pause deliveries',
    description:
      'Stops sending to an endpoint, to a tenant, or to everybody, within a second. Events are still accepted, and deliveries held: nothing is lost.',
    input,
    output,
    run: async (client, { reason, ...target }, options) =>
      changed(client, 'pause', targetOf(target), reason, options),
  },
);

const resume = writeTool(
  'write_resume',
  { destructive: false, idempotent: true },
  {
    title: 'Resume deliveries',
    description: 'Ends a pause: what it held is sent, at a bounded rate.',
    input,
    output,
    run: async (client, { reason, ...target }, options) =>
      changed(client, 'resume', targetOf(target), reason, options),
  },
);

/** Refuses a target that does not go with the scope: a mistake must not pause more than was meant. */
function targetOf({ scope, tenant, endpoint_id }: Target) {
  if (scope === 'all' && tenant === undefined && endpoint_id === undefined) return { scope };
  if (scope === 'tenant' && tenant !== undefined && endpoint_id === undefined) return { scope, tenant };
  if (scope === 'endpoint' && endpoint_id !== undefined && tenant === undefined)
    return { scope, endpoint_id };
  throw new Error(
    'Nothing was changed: the scope tenant goes with tenant, endpoint with endpoint_id, and all with neither.',
  );
}

async function changed(
  { control, endpoints }: SurehookClient,
  action: 'pause' | 'resume',
  to: ReturnType<typeof targetOf>,
  reason: string,
  options: { signal: AbortSignal },
) {
  if (to.scope === 'endpoint') await endpoints[action](to.endpoint_id, { reason }, options);
  else await control[action]({ ...to, reason }, options);
  const target = to.scope === 'all' ? null : to.scope === 'tenant' ? to.tenant : to.endpoint_id;
  const paused = action === 'pause';
  return {
    text: `${target === null ? 'Everything' : `The ${to.scope} ${target}`} is ${paused ? 'paused' : 'resumed'}.`,
    data: { scope: to.scope, target, paused },
  };
}

export const writePauses = [pause, resume];
