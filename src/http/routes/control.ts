import { Router } from 'express';
import { listPauses, pause, resume, type Pause } from '../../db/pauses.js';
import { Problem } from '../problem.js';
import type { AppDeps } from '../app-deps.js';
import { actorOf } from '../auth.js';
import { readJson } from '../json-body.js';
import { pauseBody, resumeBody } from '../schemas.js';

/** The kill switch. It needs only Postgres, so it works while Temporal is away. */
export function controlRoutes({ pool, authorize, control }: AppDeps): Router {
  const router = Router();

  function state(paused: Pause[]) {
    const pauses = paused.map(({ scope, ...pause }) => ({
      scope: scope === 'all' ? 'all' : 'tenant',
      tenant: scope === 'all' ? null : scope.slice('tenant:'.length),
      ...pause,
    }));
    const file = control.file();
    return { paused: file !== null || pauses.some(({ scope }) => scope === 'all'), pauses, file };
  }

  router.get('/control', authorize('viewer'), async (_request, response) => {
    response.json(state(await listPauses(pool)));
  });

  router.post('/control/pause', authorize('operator'), async (request, response) => {
    const { scope, reason } = pauseBody.parse(readJson(request).value);
    response.json(state(await pause(pool, scope, reason!, actorOf(response))));
  });

  router.post('/control/resume', authorize('operator'), async (request, response) => {
    const { scope, reason } = resumeBody.parse(readJson(request).value);
    const left = await resume(pool, scope, reason, actorOf(response));
    if (!left) throw new Problem(409, 'not_paused', `Nothing is paused for ${scope}.`);
    response.json(state(left));
  });

  return router;
}
