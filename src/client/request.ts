import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { ApiPromise } from './api-promise.js';
import { apiError, ConnectionError, SurehookError, TimeoutError } from './errors.js';
import { retryDelay, type Tried } from './retry-delay.js';

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
  /** A string is JSON already. */
  body?: unknown;
  /** The answer is its text, unparsed. */
  asText?: boolean;
}

export type Send = <T>(method: string, path: string, request?: ApiRequest) => ApiPromise<T>;

/** Makes requests to the API; each is tried again while that may help. */
export function createSend(options: ClientOptions): Send {
  const { env } = process;
  // An empty variable is one that is not set, as in `SUREHOOK_URL: ${SUREHOOK_URL:-}` of Compose.
  const base = (options.url ?? (env.SUREHOOK_URL || 'http://127.0.0.1:8080')).replace(/\/+$/, '');
  if (!URL.canParse(base)) throw new SurehookError(`The URL of the server is none: "${base}".`);
  const apiKey = options.apiKey ?? (env.SUREHOOK_API_KEY || undefined);
  const request = options.fetch ?? fetch;

  async function tryOnce(url: URL, init: RequestInit, timeoutMs: number): Promise<Tried> {
    const deadline = AbortSignal.timeout(timeoutMs);
    const signal = init.signal ? AbortSignal.any([init.signal, deadline]) : deadline;
    try {
      const response = await request(url, { ...init, signal });
      return { response, text: await response.text() };
    } catch (cause) {
      // The caller's own abort.
      if (init.signal?.aborted) return { error: cause };
      if (deadline.aborted)
        return { error: new TimeoutError(`${url.host} did not answer within ${timeoutMs} ms.`, { cause }) };
      return { error: new ConnectionError(`The connection to ${url.host} failed or broke off.`, { cause }) };
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
      // An answer like any other: followed, a POST would become a GET.
      redirect: 'manual',
      headers: headersOf({
        accept: 'application/json',
        ...(apiKey === undefined ? {} : { authorization: `Bearer ${apiKey}` }),
        ...(method === 'POST' && call.idempotencyKey !== null
          ? { 'idempotency-key': call.idempotencyKey ?? randomUUID() }
          : {}),
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      }),
      ...(body === undefined ? {} : { body: typeof body === 'string' ? body : JSON.stringify(body) }),
      ...(signal ? { signal } : {}),
    };
    let left = call.maxRetries ?? options.maxRetries ?? 4;
    for (let tries = 1; ; tries++, left--) {
      const tried = await tryOnce(url, init, timeoutMs);
      if ('response' in tried) {
        const { response, text } = tried;
        if (response.ok) return { data: (call.asText ? text : parse(text, url)) as T, response };
        // An earlier try has deleted it, and its answer was lost.
        if (method === 'DELETE' && response.status === 404 && tries > 1) return { data: null as T, response };
      }
      const delay = left > 0 && !signal?.aborted ? retryDelay(tried, tries) : null;
      if (delay === null) throw 'response' in tried ? apiError(tried.response, tried.text) : tried.error;
      await sleep(delay, undefined, signal ? { signal } : {}).catch(() => signal?.throwIfAborted());
    }
  }

  return (method, path, call = {}) => new ApiPromise(send(method, path, call));
}

function headersOf(fields: Record<string, string>): Headers {
  const headers = new Headers();
  for (const [name, value] of Object.entries(fields)) {
    try {
      headers.set(name, value);
    } catch {
      // Without the cause, which quotes the value: it may be the API key.
      throw new SurehookError(`The header ${name} has characters that HTTP does not allow.`);
    }
  }
  return headers;
}

function parse(text: string, { host }: URL): unknown {
  if (text === '') return null;
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new SurehookError(`The answer of ${host} is not JSON.`, { cause });
  }
}
