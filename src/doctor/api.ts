import type { Answer } from '../client/index.js';
import { fail, ok, warn, type Check } from './check.js';

const DEADLINE_MS = 5_000;

export interface Api {
  url: string;
  /** Null: it does not answer. */
  readiness: Answer<'getReadiness'> | null;
  /** Version of the server; null: the API key may not see it. */
  version: string | null;
  /** Version of this command. */
  ownVersion: string;
}

/** Asks a server that may be away, or another program. */
export async function lookAtApi(url: string, apiKey: string | undefined, ownVersion: string): Promise<Api> {
  const readiness = await ask<Api['readiness']>(`${url}/readyz`);
  const settings =
    readiness && apiKey
      ? await ask<{ version?: string }>(`${url}/v1/settings`, { authorization: `Bearer ${apiKey}` })
      : null;
  return { url, readiness, version: settings?.version ?? null, ownVersion };
}

export const apiCheck: Check<Api> = {
  check: 'api',
  async look({ url, readiness, version, ownVersion }) {
    if (!readiness?.postgres)
      return fail(`nothing answers at ${url}`, 'Start Surehook, or say where it is: --url, SUREHOOK_URL.');
    const { postgres, temporal, workers, encryption } = readiness;
    if (!postgres.ok)
      return fail(`${url} accepts no event now`, 'See the finding about postgres, and the log.');
    const faults = [
      ...(temporal.ok ? [] : [`Temporal: ${temporal.reason}`]),
      ...(workers.ok ? [] : ['no worker runs']),
      ...(encryption.ok ? [] : [`${encryption.reason}`]),
    ];
    if (faults.length > 0)
      return warn(`${url} is degraded: ${faults.join('; ')}`, 'See the findings about these parts.');
    if (version !== null && version !== ownVersion)
      return warn(
        `${url} is version ${version}, this command ${ownVersion}`,
        'Use the command of the same version.',
      );
    return ok(`${url} is ready${version === null ? '' : `, version ${version}`}`);
  },
};

async function ask<T>(url: string, headers: Record<string, string> = {}): Promise<T | null> {
  try {
    const response = await fetch(url, {
      headers,
      redirect: 'error',
      signal: AbortSignal.timeout(DEADLINE_MS),
    });
    // 503 has a body, too: it says which part is away.
    return (await response.json()) as T;
  } catch {
    return null;
  }
}
