import { listPauses, pause, resume, type Pause, type Scope } from '../../db/pauses.js';
import { answer } from '../answer.js';
import { controlState } from '../answers/control.js';
import type { AppDeps } from '../app-deps.js';
import type { Identity } from '../auth.js';
import { Problem } from '../problem.js';
import { route } from '../route.js';
import { pauseBody, resumeBody } from '../control-schemas.js';
import { requireAboveTenants, seenTenant } from '../tenancy.js';

/** The body holds a reason only. */
const MAX_CONTROL_BYTES = 16 * 1024;

const tag = 'Control';
const lane = 'control';
const responses = { 200: { description: 'Everything that is paused now.', schema: controlState } };

// The kill switch needs only Postgres, so it works while Temporal is away. It has connections of its own.
const get = route('GET /v1/control', {
  operationId: 'getControl',
  tag,
  lane,
  role: 'viewer',
  summary: 'Show what is paused',
  responses,
  async handle({ identity }, { controlPool, control }) {
    return answer(200, state(await listPauses(controlPool), identity, control));
  },
});

const pauseScope = route('POST /v1/control/pause', {
  operationId: 'pauseDeliveries',
  tag,
  lane,
  maxBytes: MAX_CONTROL_BYTES,
  role: 'operator',
  summary: 'Pause everything, or a tenant',
  description:
    'Within a second nothing more is sent; events are accepted all the same. Repeating the call changes nothing.',
  body: pauseBody,
  example: { scope: 'tenant', tenant: 'acme', reason: 'their firewall blocks us' },
  responses,
  problems: ['foreign_tenant', 'paused_above'],
  async handle({ body: { scope, reason }, identity, actor }, { controlPool, control }) {
    requireOwnScope(identity, scope);
    const pauses = await pause(controlPool, scope, reason!, { actor, tenant: identity.tenant });
    if (pauses === 'above') throw pausedAbove(scope);
    return answer(200, state(pauses, identity, control));
  },
});

const resumeScope = route('POST /v1/control/resume', {
  operationId: 'resumeDeliveries',
  tag,
  lane,
  maxBytes: MAX_CONTROL_BYTES,
  role: 'operator',
  summary: 'Resume everything, or a tenant',
  body: resumeBody,
  example: { scope: 'tenant', tenant: 'acme', reason: 'unblocked' },
  responses,
  problems: ['foreign_tenant', 'not_paused', 'paused_above'],
  async handle({ body: { scope, reason }, identity, actor }, { controlPool, control }) {
    requireOwnScope(identity, scope);
    const left = await resume(controlPool, scope, reason, { actor, tenant: identity.tenant });
    if (left === null) {
      const file = control.file() === null ? '' : ' The file PAUSE pauses everything until it is removed.';
      throw new Problem(409, 'not_paused', `Nothing is paused for ${scope}.${file}`);
    }
    if (left === 'above') throw pausedAbove(scope);
    return answer(200, state(left, identity, control));
  },
});

export const controlRoutes = [get, pauseScope, resumeScope];

const tenantOfScope = (scope: Scope) => (scope === 'all' ? null : scope.slice('tenant:'.length));

function requireOwnScope(identity: Identity, scope: Scope): void {
  if (scope === 'all') requireAboveTenants(identity);
  else seenTenant(identity, tenantOfScope(scope));
}

const pausedAbove = (scope: Scope) =>
  new Problem(409, 'paused_above', `${scope} was paused by a key that is not bound to it.`);

/** A key that is bound to a tenant sees the pauses that hold its tenant. */
function state(paused: Pause[], identity: Identity, control: AppDeps['control']) {
  const pauses = paused
    .map(({ scope, ...pause }) => ({
      scope: scope === 'all' ? ('all' as const) : ('tenant' as const),
      tenant: tenantOfScope(scope),
      ...pause,
    }))
    .filter(({ tenant }) => identity.tenant === null || tenant === null || tenant === identity.tenant);
  const file = control.file();
  return { paused: file !== null || pauses.some(({ scope }) => scope === 'all'), pauses, file };
}
