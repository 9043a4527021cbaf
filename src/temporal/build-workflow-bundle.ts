import { writeFileSync } from 'node:fs';
import { buildWorkflowBundle, BUILT } from './workflow-bundle.js';

/** The last step of `npm run build`. */
writeFileSync(BUILT, (await buildWorkflowBundle()).code);
