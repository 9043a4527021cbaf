import { readFile, writeFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { historyFromJSON, historyToJSON } from '@temporalio/common/lib/proto-utils.js';
import { bundleWorkflowCode, Worker, type WorkflowBundleWithSourceMap } from '@temporalio/worker';

export type History = Parameters<typeof historyToJSON>[0];

export const fileOf = (name: string) => fileURLToPath(new URL(`./${name}.json`, import.meta.url));

export const load = async (name: string): Promise<History> =>
  historyFromJSON(JSON.parse(await readFile(fileOf(name), 'utf8')));

/** Stack traces name files: from the project's folder on, wherever it stands. */
const portable = (history: History) =>
  JSON.stringify(JSON.parse(historyToJSON(history)))
    .replaceAll(`${process.cwd()}/`, '')
    .replaceAll(/[^\s("]*\/node_modules\//g, 'node_modules/');

export const save = (name: string, history: History) => writeFile(fileOf(name), portable(history));

export function bundleWorkflows(): Promise<WorkflowBundleWithSourceMap> {
  const workflowsPath = fileURLToPath(new URL('../../workflows/index.ts', import.meta.url));
  return bundleWorkflowCode({ workflowsPath });
}

/** Rejects if today's workflow code would not have made this history. */
export async function replay(
  workflowBundle: WorkflowBundleWithSourceMap,
  name: string,
  history: History,
): Promise<void> {
  // Children are named after the workflow, so it replays under its own id.
  const { workflowId } = history.events![0]!.workflowExecutionStartedEventAttributes!;
  await Worker.runReplayHistory({ workflowBundle, replayName: name }, history, workflowId!);
}
