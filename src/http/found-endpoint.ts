import type { StoredEndpoint } from '../db/endpoints.js';
import { notFound, Problem } from './problem.js';

/** Throws a Problem where the endpoint does not exist, or is disabled and was to be paused. */
export function foundEndpoint(result: StoredEndpoint | 'disabled' | null, id: string): StoredEndpoint {
  if (result === null) throw notFound('endpoint', id);
  if (result !== 'disabled') return result;
  throw new Problem(409, 'endpoint_disabled', 'A disabled endpoint takes nothing already; enable it first.');
}
