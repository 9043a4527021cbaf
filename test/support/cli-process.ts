import { writeFile } from 'node:fs/promises';
import { examplesIn } from './readme.js';
import { CLI, runNode, type ProcessRun } from './run-process.js';

/** Runs the compiled command `surehook`, without a terminal: it is in a session of its own. */
export const startCli = (args: string[], env: Record<string, string>): ProcessRun =>
  runNode(CLI, env, args, { detached: true });

/** Writes the application of the README, for another receiver, and with a port that it prints, with its pid. */
export async function writeReadmeApplication(file: string, receiver: string): Promise<void> {
  const [source] = await examplesIn('README.md', 'js');
  const listen = `listen(0, '127.0.0.1', function () { console.log('listening on', this.address().port, process.pid); })`;
  const changed = source!.replace('http://127.0.0.1:9000/hook', receiver).replace('listen(3000)', listen);
  await writeFile(file, changed);
}
