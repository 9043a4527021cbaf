import { setTimeout as sleep } from 'node:timers/promises';
import type { Classification, DeliveryStatus } from '../../src/domain/delivery.js';

/** Surehook's HTTP API, as far as the demo uses it. */
export interface Api {
  url: string;
  /** Any answer: its status and parsed body. */
  call<T>(method: string, path: string, body?: string): Promise<{ status: number; body: T }>;
  /** The body of a good answer; throws for any other. */
  get<T>(path: string): Promise<T>;
  send<T>(method: 'POST' | 'PATCH', path: string, body: unknown): Promise<T>;
}

export interface Delivery {
  id: string;
  status: DeliveryStatus;
  attempts: { classification: Classification; started_at: string; next_attempt_at: string | null }[];
  workflow_url: string | null;
}
export interface Endpoint {
  id: string;
  secret: string;
  status: string;
  status_reason: string | null;
}
export interface Accepted {
  id: string;
  deliveries: { id: string }[];
}

const WAIT_MS = 60_000;
const POLL_MS = 25;
const OPEN: readonly DeliveryStatus[] = ['PENDING', 'IN_PROGRESS', 'HELD'];

export function createApi(url: string, key: string, signal: AbortSignal): Api {
  const call = async <T>(method: string, path: string, body?: string) => {
    signal.throwIfAborted();
    const response = await fetch(url + path, {
      method,
      headers: { authorization: `Bearer ${key}` },
      ...(body === undefined ? {} : { body }),
    });
    return { status: response.status, body: (await response.json()) as T };
  };
  const expectOk = async <T>(method: string, path: string, body?: unknown): Promise<T> => {
    const answer = await call<T>(method, path, body === undefined ? undefined : JSON.stringify(body));
    if (answer.status < 300) return answer.body;
    throw new Error(`${method} ${path} answered ${answer.status}: ${JSON.stringify(answer.body)}`);
  };
  return { url, call, get: (path) => expectOk('GET', path), send: expectOk };
}

export const ended = ({ status }: Delivery) => !OPEN.includes(status);

/** The delivery once `reached` holds, or as it is after a minute. */
export async function waitFor(
  api: Api,
  id: string,
  reached: (delivery: Delivery) => boolean,
): Promise<Delivery> {
  for (const deadline = Date.now() + WAIT_MS; ; await sleep(POLL_MS)) {
    const delivery = await api.get<Delivery>(`/v1/deliveries/${id}`);
    if (reached(delivery) || Date.now() > deadline) return delivery;
  }
}
