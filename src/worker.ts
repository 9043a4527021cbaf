import { runProcess } from './bootstrap/standalone.js';

/** Runs a worker alone, for production: `DATABASE_URL`, `TEMPORAL_ADDRESS` and both keys must be set. */
runProcess('worker');
