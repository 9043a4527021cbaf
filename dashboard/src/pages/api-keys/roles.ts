import type { ApiKey } from '../../api/types';

/** The rights of each role, from the least to the most. */
export const ROLE_WORDS: Record<ApiKey['role'], string> = {
  publisher: 'Posts events, and reads an event or a delivery by its id. For the program that sends.',
  viewer: 'Reads everything but secrets. For dashboards and people who look.',
  operator: 'Also pauses, resumes, tests, retries, cancels and replays. For people on call.',
  admin: 'Everything: endpoints and their secrets, tenants, API keys.',
};
export const ROLES = Object.keys(ROLE_WORDS) as ApiKey['role'][];
