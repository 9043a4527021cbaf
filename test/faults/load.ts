import type { Product } from './cluster.js';
import { sleep, until } from './wait.js';

/** The sender waits this long for an answer before it posts the event again. */
const ANSWER_MS = 10_000;
/** Events without a 2xx yet; with more, the sender begins no other, as a full outbox. */
const MAX_WAITING = 200;

export interface Sent {
  key: string;
  postedAt: number;
  /** Set with the 2xx. */
  eventId?: string;
}

export interface Load {
  /** In the order of their posting. */
  events: Sent[];
  /** Number of answers by status, or by the name of the error. */
  answers: Map<string, number>;
  /** Waits until `count` of the events posted from now on fulfil `condition`. */
  next(count: number, ms: number, condition: (sent: Sent[]) => Promise<number>): Promise<void>;
  /** Stops posting and waits for the 2xx of all events posted; false: some got none within `ms`. */
  stop(ms: number): Promise<boolean>;
}

/** A good sender: events at a steady rate, each with its own key and posted until it is answered with 2xx. */
export function startLoad({ call }: Pick<Product, 'call'>, prefix: string, perSecond: number): Load {
  const events: Sent[] = [];
  const answers = new Map<string, number>();
  let waiting = 0;
  let givenUp = false;

  const post = async (sent: Sent): Promise<boolean> => {
    const body = { type: 'fault.test', idempotency_key: sent.key, payload: { key: sent.key } };
    const answer = await call('POST', '/v1/events', body, ANSWER_MS).catch((error: Error) => error);
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
    async next(count, ms, condition) {
      const first = events.length;
      const isMet = async () => (await condition(events.slice(first))) >= count;
      if (!(await until(isMet, ms))) throw new Error(`The load did not get through within ${ms} ms.`);
    },
    async stop(ms) {
      clearInterval(timer);
      const all = await until(async () => waiting === 0, ms);
      givenUp = true;
      return all;
    },
  };
}
