import { PermissionDeniedError, type SurehookClient } from '../client/index.js';
import { messageOf } from '../lib/error-text.js';
import { createAttemptLines } from './attempt-lines.js';
import { followAttempts, MAX_PAGE } from './follow-attempts.js';
import type { Output } from './output.js';

/** Prints each attempt since a time until it is stopped. Throws where the server refuses the API key. */
export async function printAttempts(
  client: SurehookClient,
  { out, since, say }: { out: Output; since: number; say: (line: string) => void },
): Promise<{ stop(): Promise<void> }> {
  try {
    await client.attempts.feed({ limit: 1 });
  } catch (error) {
    if (!(error instanceof PermissionDeniedError)) throw error;
    say('The API key may not read attempts: none are printed.');
    return { stop: async () => {} };
  }
  const ended = new AbortController();
  const lineOf = createAttemptLines();
  async function print(): Promise<void> {
    const options = { newest: MAX_PAGE, since, signal: ended.signal, note: say };
    for await (const attempt of followAttempts(client, options))
      out.result(attempt, () => out.line(...lineOf(attempt)));
  }
  const printing = print().catch((error: unknown) =>
    say(`No more attempts are printed: ${messageOf(error)}`),
  );
  return {
    async stop() {
      ended.abort();
      await printing;
    },
  };
}
