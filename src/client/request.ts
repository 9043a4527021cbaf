import { randomUUID } from 'node:crypto';
import { ApiPromise } from './api-promise.js';
import { apiError, ConnectionError, TimeoutError } from './errors.js';
import { retryDelay } from './retry-delay.js';

export interface ClientOptions {
  /** Default: the environment's `SUREHOOK_URL`, else `http://127.0.0.1:8080`. */
  url?: string;
  /** Default: the environment's `SUREHOOK_API_KEY`. */
  apiKey?: string;
  /** Deadline of each try. Default: 30,000. */
  timeoutMs?: number;
  /** Further tries after a failed one. Default: 4. */
  maxRetries?: number;
  /** Default: the global `fetch`. */
  fetch?: typeof fetch;
}

export interface RequestOptions {
  /** Default: a new one for each call, the same for all of its tries. */
  idempotencyKey?: string;
  signal?: AbortSignal;
  timeoutMs?: number;
  maxRetries?: number;
}

export interface ApiRequest extends Omit<RequestOptions, 'idempotencyKey'> {
  /** Null: the body has it. */
  idempotencyKey?: string | null;
  query?: object | undefined;
  body?: unknown;
}

export type Send = <T>(method: string, path: string, request?: ApiRequest) => ApiPromise<T>;

/** Makes requests to the API; each is tried again while that may help. */
export function createSend(options: ClientOptions): Send {
  const { env } = process;
  const base = (options.url ?? env.SUREHOOK_URL ?? 'http://127.0.0.1:8080').replace(/\/+$/, '');
  const apiKey = options.apiKey ?? env.SUREHOOK_API_KEY;
  const request = options.fetch ?? fetch;

  async function tryOnce(url: URL, init: RequestInit, timeoutMs: number): Promise<Response> {
    const deadline = AbortSignal.timeout(timeoutMs);
    const signal = init.signal ? AbortSignal.any([init.signal, deadline]) : deadline;
    try {
      return await request(url, { ...init, signal });
    } catch (cause) {
      // The caller's own abort.
      if (init.signal?.aborted) throw cause;
      if (deadline.aborted)
        throw new TimeoutError(`${url.host} did not answer within ${timeoutMs} ms.`, { cause });
      throw new ConnectionError(`${url.host} cannot be reached.`, { cause });
    }
  }

  async function send<T>(
    method: string,
    path: string,
    call: ApiRequest,
  ): Promise<{ data: T; response: Response }> {
    const { query, body, signal, timeoutMs = options.timeoutMs ?? 30_000 } = call;
    const url = new URL(base + path);
    for (const [name, value] of Object.entries(query ?? {}))
      if (value !== undefined && value !== null) url.searchParams.set(name, String(value));
    const init: RequestInit = {
      method,
      redirect: 'error',
      headers: {
        accept: 'application/json',
        ...(apiKey === undefined ? {} : { authorization: `Bearer ${apiKey}` }),
        ...(method === 'POST' && call.idempotencyKey !== null
          ? { 'idempotency-key': call.idempotencyKey ?? randomUUID() }
          : {}),
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      ...(signal ? { signal } : {}),
    };
    let left = call.maxRetries ?? options.maxRetries ?? 4;
    for (let tries = 1; ; tries++, left--) {
      const result = await tryOnce(url, init, timeoutMs).catch((error: unknown) => error as Error);
      if (result instanceof Response && result.ok)
        return { data: (await read(result)) as T, response: result };
      const delay = left > 0 && !signal?.aborted ? retryDelay(result, tries) : null;
      if (delay === null) throw result instanceof Response ? await apiError(result) : result;
      if (result instanceof Response) await result.body?.cancel();
      await sleep(delay, signal);
    }
  }

  return (method, path, call = {}) => new ApiPromise(send(method, path, call));
}

const read = async (response: Response): Promise<unknown> => {
  const text = await response.text();
  return text === '' ? null : JSON.parse(text);
};

const sleep = (ms: number, signal?: AbortSignal) =>
  new Promise<void>((resolve, reject) => {
    const timer = setTimeout(resolve, ms);
    signal?.addEventListener('abort', () => {
      clearTimeout(timer);
      reject(signal.reason as Error);
    });
  });
