import { runProcess } from './bootstrap/standalone.js';

/** The API alone, for production: `DATABASE_URL`, `TEMPORAL_ADDRESS` and both keys must be set. */
runProcess('api');
