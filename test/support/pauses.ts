import { expect } from 'vitest';
import type { TestService } from './service.js';

/** Waits until the process of `t` knows the pauses that are set now: each heartbeat follows a look at them. */
export async function untilPausesKnown(t: TestService): Promise<void> {
  const beat = async () =>
    (await t.pool.query<{ at: string }>('select max(alive_at)::text as at from processes')).rows[0]!.at;
  // The first may belong to a look that began before.
  for (let beats = 0; beats < 2; beats++) {
    const before = await beat();
    await expect.poll(beat, { timeout: 20_000 }).not.toBe(before);
  }
}
