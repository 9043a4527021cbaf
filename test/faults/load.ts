import type { Cluster } from './cluster.js';
import { sleep, until } from './wait.js';

/** How long a sender waits for an answer before it sends the same again. */
const ANSWER_MS = 10_000;
/** Senders that got no 2xx yet; beyond these none begins, as an outbox that is full. */
const MAX_WAITING = 200;

export interface Sent {
  key: string;
  postedAt: number;
  /** Set with the 2xx. */
  eventId?: string;
}

export interface Load {
  events: Sent[];
  /** How often each answer came: a status, or the name of what went wrong. */
  answers: Map<string, number>;
  /** Ends posting and waits for the 2xx of what was posted; false where some got none in time. */
  stop(ms: number): Promise<boolean>;
}

/** A good sender: events at a steady rate, each with a key of its own and sent until it is answered with 2xx. */
export function startLoad(cluster: Cluster, prefix: string, perSecond: number): Load {
  const events: Sent[] = [];
  const answers = new Map<string, number>();
  let waiting = 0;
  let givenUp = false;

  const post = async (sent: Sent): Promise<boolean> => {
    const body = { type: 'fault.test', idempotency_key: sent.key, payload: { key: sent.key } };
    const answer = await cluster.call('POST', '/v1/events', body, ANSWER_MS).catch((error: Error) => error);
    const name = answer instanceof Error ? answer.name : String(answer.status);
    answers.set(name, (answers.get(name) ?? 0) + 1);
    if (answer instanceof Error || answer.status >= 300) return false;
    sent.eventId = (answer.body as { id: string }).id;
    return true;
  };
  const send = async (): Promise<void> => {
    const sent: Sent = { key: `${prefix}-${events.length}`, postedAt: Date.now() };
    events.push(sent);
    waiting += 1;
    for (let pauseMs = 200; !givenUp && !(await post(sent)); pauseMs = Math.min(pauseMs * 2, 2_000)) {
      await sleep(pauseMs * (0.5 + Math.random()));
    }
    waiting -= 1;
  };
  const timer = setInterval(() => waiting < MAX_WAITING && void send(), 1_000 / perSecond);
  return {
    events,
    answers,
    async stop(ms) {
      clearInterval(timer);
      const all = await until(async () => waiting === 0, ms);
      givenUp = true;
      return all;
    },
  };
}
