import { runProcess } from './bootstrap/standalone.js';

/** Runs the API alone, for production: `DATABASE_URL`, `TEMPORAL_ADDRESS` and both keys must be set. */
runProcess('api');
