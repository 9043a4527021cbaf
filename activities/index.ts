import type { DeliveryActivities } from './create-activities.js';
import type { ReplayActivities } from './replay-batch.js';

export type Activities = DeliveryActivities & ReplayActivities;
export { createActivities, type ActivityDeps } from './create-activities.js';
export { withoutData } from './without-data.js';
export { createReplayActivities, type ReplayDeps } from './replay-batch.js';
