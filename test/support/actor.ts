import type { Actor } from '../../src/db/audit.js';

export const actorNamed = (name: string): Actor => ({ name, requestId: null });
