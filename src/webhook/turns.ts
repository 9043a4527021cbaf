/** A job that waits for a thread. */
export interface Turn {
  tenant: string;
  /** Turns of one domain share a limit, across tenants. */
  domain: string;
}

export interface Limits {
  all: number;
  tenant: number;
  domain: number;
}

export interface Lane<T extends Turn> {
  /** False: the tenant has reached its limit of waiting turns. */
  add(turn: T): boolean;
  remove(turn: T): void;
  /** The next turn that may run: the longest waiting of those whose tenant and domain have the fewest running. */
  next(): T | null;
  begin(turn: T): void;
  end(turn: T): void;
  running(): number;
}

const MAX_WAITING_PER_TENANT = 2_048;

/** A queue with limits on running turns: in all, per tenant and per domain. */
export function createLane<T extends Turn>(limits: Limits): Lane<T> {
  const waiting = new Map<string, Set<T>>();
  const tenants = new Map<string, number>();
  const domains = new Map<string, number>();
  let running = 0;

  return {
    add(turn) {
      const turns = waiting.get(turn.tenant) ?? new Set();
      if (turns.size >= MAX_WAITING_PER_TENANT) return false;
      waiting.set(turn.tenant, turns.add(turn));
      return true;
    },
    remove(turn) {
      const turns = waiting.get(turn.tenant);
      if (turns?.delete(turn) && turns.size === 0) waiting.delete(turn.tenant);
    },
    next() {
      if (running >= limits.all) return null;
      let best: T | null = null;
      let fewest = Infinity;
      for (const [tenant, turns] of waiting) {
        const ofTenant = tenants.get(tenant) ?? 0;
        if (ofTenant >= limits.tenant) continue;
        for (const turn of turns) {
          const ofDomain = domains.get(turn.domain) ?? 0;
          if (ofDomain >= limits.domain || ofTenant + ofDomain >= fewest) continue;
          best = turn;
          fewest = ofTenant + ofDomain;
          if (ofDomain === 0) break;
        }
      }
      return best;
    },
    begin(turn) {
      running += 1;
      add(tenants, turn.tenant, 1);
      add(domains, turn.domain, 1);
    },
    end(turn) {
      running -= 1;
      add(tenants, turn.tenant, -1);
      add(domains, turn.domain, -1);
    },
    running: () => running,
  };
}

function add(counts: Map<string, number>, key: string, change: 1 | -1): void {
  const count = (counts.get(key) ?? 0) + change;
  if (count === 0) counts.delete(key);
  else counts.set(key, count);
}
