import { existsSync } from 'node:fs';
import { extname } from 'node:path';
import { fileURLToPath } from 'node:url';
import { bundleWorkflowCode, DefaultLogger, type WorkflowBundleOption } from '@temporalio/worker';

const WORKFLOWS = fileURLToPath(new URL(`../../workflows/index${extname(import.meta.url)}`, import.meta.url));
/** The bundle that `npm run build` writes; there is none when running from sources. */
export const BUILT = fileURLToPath(new URL('./workflow-bundle.cjs', import.meta.url));

/** The workflows as a worker loads them: the prebuilt bundle, or one built now, which takes about a second. */
export async function loadWorkflowBundle(codePath = BUILT): Promise<WorkflowBundleOption> {
  return existsSync(codePath) ? { codePath } : buildWorkflowBundle();
}

export const buildWorkflowBundle = () =>
  bundleWorkflowCode({ workflowsPath: WORKFLOWS, logger: new DefaultLogger('WARN') });
