export { createActivities, type Activities } from './create-activities.js';
export type { ActivityDeps } from './send-attempt.js';
