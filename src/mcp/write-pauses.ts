import { z } from 'zod';
import type { SurehookClient } from '../client/index.js';
import * as fields from './fields.js';
import { pauseLines } from './pause-lines.js';
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
    async run({ control, endpoints }, { reason, ...target }, options) {
      const to = targetOf(target);
      if (to.scope === 'endpoint') await endpoints.pause(to.endpoint_id, { reason }, options);
      else await control.pause({ ...to, reason }, options);
      return changed(to, true, 'is paused.');
    },
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
    async run(client, { reason, ...target }, options) {
      const to = targetOf(target);
      const { tenant, left } = await resumed(client, to, reason, options);
      // Pauses of other tenants hold nothing of this one.
      const pauses = left.pauses.filter(
        (one) => tenant === null || one.tenant === null || one.tenant === tenant,
      );
      const others = pauseLines({ ...left, pauses });
      return changed(
        to,
        tenant === null ? left.paused : others.length > 0,
        others.length > 0 ? 'is resumed, but this still holds deliveries:' : 'is resumed.',
        others,
      );
    },
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

/** The tenant of the target, and what is paused now. */
async function resumed(
  { control, endpoints }: SurehookClient,
  to: ReturnType<typeof targetOf>,
  reason: string,
  options: { signal: AbortSignal },
) {
  if (to.scope !== 'endpoint') {
    const tenant = to.scope === 'tenant' ? to.tenant : null;
    return { tenant, left: await control.resume({ ...to, reason }, options) };
  }
  const { tenant } = await endpoints.resume(to.endpoint_id, { reason }, options);
  return { tenant, left: await control.get(options) };
}

function changed(to: ReturnType<typeof targetOf>, paused: boolean, text: string, others: string[] = []) {
  const target = to.scope === 'all' ? null : to.scope === 'tenant' ? to.tenant : to.endpoint_id;
  const name = target === null ? 'Everything' : `The ${to.scope} ${target}`;
  return { text: [`${name} ${text}`, ...others], data: { scope: to.scope, target, paused } };
}

export const writePauses = [pause, resume];
