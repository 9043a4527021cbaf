import type { Logger } from 'pino';
import { startPollLoop } from '../lib/poll-loop.js';
import type { KillSwitch } from './kill-switch.js';

/** A tenant has used up its events of this second. */
export class RateExceededError extends Error {
  constructor(
    readonly perSecond: number,
    readonly retryAfterMs: number,
  ) {
    super(`The tenant may publish ${perSecond} events a second here.`);
  }
}

export interface TenantRates {
  /** False: `take` takes any number. */
  limits(tenant: string): boolean;
  /** Takes one event from what the tenant may publish now. Throws a RateExceededError where nothing is left. */
  take(tenant: string): void;
  close(): Promise<void>;
}

const SECOND_MS = 1_000;
const AGAIN_MS = 1_000;
/** The longest timer: the rates are read again when one changes. */
const UNTIL_WOKEN_MS = 2 ** 31 - 1;
/** Tenants remembered without looking for those that rest. */
const MAX_REMEMBERED = 10_000;

/**
 * Limits the events per second of each tenant in this process. One bucket holds what a tenant may publish in a second. It
 * is stored as the time at which it will be full again: a tenant that rests needs no memory. The rates of tenants that have
 * their own are in memory, as Postgres says that they change. Resolves when they have been read.
 */
export async function createTenantRates(options: {
  /** For tenants without their own; null: unlimited. */
  defaultPerSecond: number | null;
  /** Rates of the tenants that have their own, of all or of those among `ids`. */
  load(ids: string[] | null): Promise<{ id: string; max_events_per_second: number }[]>;
  control: Pick<KillSwitch, 'onTenant'>;
  now?: () => number;
  log: Logger;
}): Promise<TenantRates> {
  const { defaultPerSecond, load, now = () => performance.now(), log } = options;
  const own = new Map<string, number>();
  const fullAt = new Map<string, number>();
  let maxRemembered = MAX_REMEMBERED;
  /** Tenants to read again; null: all. */
  let changed: Set<string> | null = null;

  async function read(): Promise<void> {
    const asked = changed && [...changed];
    changed = new Set();
    if (asked?.length === 0) return;
    try {
      const rates = await load(asked);
      if (asked) asked.forEach((id) => own.delete(id));
      else own.clear();
      for (const { id, max_events_per_second: rate } of rates) own.set(id, rate);
    } catch (error) {
      if (asked && changed) asked.forEach((id) => changed?.add(id));
      else changed = null;
      throw error;
    }
  }

  options.control.onTenant((id) => {
    if (id === null) changed = null;
    else changed?.add(id);
    loop?.wake();
  });
  let loop: ReturnType<typeof startPollLoop> | null = null;
  await read();
  loop = startPollLoop(() =>
    read().then(
      () => UNTIL_WOKEN_MS,
      (error: unknown) => {
        log.warn({ err: error }, 'rates of tenants not read; trying again');
        return AGAIN_MS;
      },
    ),
  );

  function forgetFull(at: number): void {
    for (const [tenant, full] of fullAt) if (full <= at) fullAt.delete(tenant);
    maxRemembered = Math.max(MAX_REMEMBERED, 2 * fullAt.size);
  }

  const rateOf = (tenant: string) => own.get(tenant) ?? defaultPerSecond;

  return {
    limits: (tenant) => rateOf(tenant) !== null,
    take(tenant) {
      const rate = rateOf(tenant);
      if (rate === null) return;
      const at = now();
      const each = SECOND_MS / rate;
      const full = Math.max(at, fullAt.get(tenant) ?? at) + each;
      // A bucket that is full again in more than a second has less than one event left; sums of fractions are inexact.
      const missingMs = full - at - SECOND_MS;
      if (missingMs > 1e-6) throw new RateExceededError(rate, missingMs);
      fullAt.set(tenant, full);
      if (fullAt.size > maxRemembered) forgetFull(at);
    },
    close: () => loop.close(),
  };
}
