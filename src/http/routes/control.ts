import { answer } from '../answer.js';
import { listPauses, pause, resume, type Pause } from '../../db/pauses.js';
import { controlState } from '../answers/control.js';
import type { AppDeps } from '../app-deps.js';
import { Problem } from '../problem.js';
import { route } from '../route.js';
import { pauseBody, resumeBody } from '../schemas.js';

/** The body holds a reason only. */
const MAX_CONTROL_BYTES = 16 * 1024;

const tag = 'Control';
const lane = 'control';
const responses = { 200: { description: 'What is paused now.', schema: controlState } };

// The kill switch needs only Postgres, so it works while Temporal is away. It has connections of its own.
const get = route('GET /v1/control', {
  operationId: 'getControl',
  tag,
  lane,
  role: 'viewer',
  summary: 'Show what is paused',
  responses,
  async handle(_call, { controlPool, control }) {
    return answer(200, state(await listPauses(controlPool), control));
  },
});

const pauseScope = route('POST /v1/control/pause', {
  operationId: 'pauseDeliveries',
  tag,
  lane,
  maxBytes: MAX_CONTROL_BYTES,
  role: 'operator',
  summary: 'Pause everything, or a tenant',
  description: 'Within a second nothing more is sent; events are accepted all the same.',
  body: pauseBody,
  example: { scope: 'tenant', tenant: 'acme', reason: 'their firewall blocks us' },
  responses,
  async handle({ body: { scope, reason }, actor }, { controlPool, control }) {
    return answer(200, state(await pause(controlPool, scope, reason!, actor), control));
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
  problems: ['not_paused'],
  async handle({ body: { scope, reason }, actor }, { controlPool, control }) {
    const left = await resume(controlPool, scope, reason, actor);
    if (!left) throw new Problem(409, 'not_paused', `Nothing is paused for ${scope}.`);
    return answer(200, state(left, control));
  },
});

export const controlRoutes = [get, pauseScope, resumeScope];

function state(paused: Pause[], control: AppDeps['control']) {
  const pauses = paused.map(({ scope, ...pause }) => ({
    scope: scope === 'all' ? ('all' as const) : ('tenant' as const),
    tenant: scope === 'all' ? null : scope.slice('tenant:'.length),
    ...pause,
  }));
  const file = control.file();
  return { paused: file !== null || pauses.some(({ scope }) => scope === 'all'), pauses, file };
}
