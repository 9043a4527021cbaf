import { listProcesses } from '../../db/processes.js';
import { answer } from '../answer.js';
import { processList, settings } from '../answers/installation.js';
import { route } from '../route.js';

const tag = 'Installation';

const getSettings = route('GET /v1/settings', {
  operationId: 'getSettings',
  tag,
  role: 'operator',
  aboveTenants: true,
  summary: 'Show what is configured',
  description: 'As the process that answers has it. Of secrets, only whether they are set.',
  responses: { 200: { description: 'The settings.', schema: settings } },
  async handle(_call, deps) {
    return answer(200, await deps.readSettings());
  },
});

const processes = route('GET /v1/processes', {
  operationId: 'listProcesses',
  tag,
  role: 'operator',
  aboveTenants: true,
  summary: 'List the processes that run',
  responses: { 200: { description: 'All of them.', schema: processList } },
  async handle(_call, { pool }) {
    return answer(200, { data: await listProcesses(pool) });
  },
});

export const installationRoutes = [getSettings, processes];
