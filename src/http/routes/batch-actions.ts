import { answerChanged } from '../answer-batch.js';
import { batch } from '../answers/batches.js';
import { cancelBody, ratePatch } from '../batch-schemas.js';
import { idParam, route, type Route } from '../route.js';
import { reasonBody } from '../schemas.js';

const tag = 'Replay batches';
const role = 'operator';
const params = { id: idParam('bat', 'batch') };
const responses = { 200: { description: 'The batch.', schema: batch } };
const problems: Route['problems'] = ['batch_state'];

const setRate = route('PATCH /v1/batches/{id}', {
  operationId: 'updateBatch',
  tag,
  role,
  portal: 'replay',
  summary: 'Change the rate of a replay batch',
  params,
  body: ratePatch,
  example: { rate_per_second: 10 },
  responses,
  problems,
  async handle({ params: { id }, body: { rate_per_second, reason = null }, actor }, deps) {
    const change = { kind: 'rate' as const, ratePerSecond: rate_per_second };
    return answerChanged(deps, id, change, { actor, reason });
  },
});

const pauseOrResume = (
  [
    ['pause', 'Pause a replay batch: no further item starts'],
    ['resume', 'Resume a replay batch'],
  ] as const
).map(([kind, summary]) =>
  route(`POST /v1/batches/{id}/${kind}`, {
    operationId: `${kind}Batch`,
    tag,
    role,
    portal: 'replay',
    summary,
    params,
    body: reasonBody,
    optionalBody: true,
    example: { reason: 'lunch' },
    responses,
    problems,
    async handle({ params: { id }, body: { reason = null }, actor }, deps) {
      return answerChanged(deps, id, { kind }, { actor, reason });
    },
  }),
);

const cancel = route('POST /v1/batches/{id}/cancel', {
  operationId: 'cancelBatch',
  tag,
  role,
  portal: 'replay',
  summary: 'Cancel a replay batch',
  description: 'Deliveries with an attempt go on, unless `running` is true.',
  params,
  body: cancelBody,
  optionalBody: true,
  example: { running: true, reason: 'the receiver is down again' },
  responses,
  problems,
  async handle({ params: { id }, body: { running, reason = null }, actor }, deps) {
    return answerChanged(deps, id, { kind: 'cancel', running }, { actor, reason });
  },
});

export const batchActions = [setRate, ...pauseOrResume, cancel];
