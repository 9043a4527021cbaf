import type { ServerResponse } from 'node:http';
import { addTo } from '../lib/counts.js';
import { overloaded } from './concurrency-limit.js';
import type { Problem } from './problem.js';

/**
 * A holder gets another slot while it has fewer than this times the free ones. One alone gets three quarters of all,
 * and any other then finds a quarter free; of several busy ones, each gets as much as the others.
 */
const SHARE = 3;
/** Longest wait for a slot, before the body is read, and for the tenant's share, after that. */
const MAX_WAIT_MS = 2_000;

/** Bounds the requests under way, and among them those of one API key and of one tenant. */
export interface FairLimit {
  /** The key holds the slot until `admit`. `refused` gets a 503 Problem if the key has its share for too long. */
  enter(
    response: ServerResponse,
    key: string,
    entered: (slot: Slot) => void,
    refused: (problem: Problem) => void,
  ): void;
}

/** One request's place, freed when its response closes. */
export interface Slot {
  /**
   * Moves a request from its key to the tenant of an event, which is known only from the body; each of several tenants
   * holds the request. Rejects with a 503 Problem if the tenant has its share for too long.
   */
  admit(tenant: string): Promise<void>;
}

/** A request that waits for a share. */
interface Waiting {
  /** Whether the slot that it will use is its own already. */
  ownsSlot(): boolean;
  enter(): void;
}

export function createFairLimit(max: number): FairLimit {
  const shares = new Shares(max);
  return {
    enter(response, key, entered, refused) {
      // The client is gone, perhaps while the key was looked up: nothing would free the slot.
      if (response.closed) return;
      const holder = `key ${key}`;
      if (shares.mayEnter(holder, 0)) return entered(new HeldSlot(shares, response, holder));
      const enter = () => {
        response.off('close', leave);
        entered(new HeldSlot(shares, response, holder));
      };
      const leave = shares.wait(holder, () => false, enter, refused);
      response.once('close', leave);
    },
  };
}

/** Slots by holder, and the requests that wait for one. */
class Shares {
  free: number;
  readonly held = new Map<string, number>();
  /** Seats are for requests whose body has been read and that wait without a slot: as many as there are slots. */
  freeSeats: number;
  readonly seated = new Map<string, number>();
  /** By holder, in the order of their arrival. */
  readonly #waiting = new Map<string, Set<Waiting>>();

  constructor(max: number) {
    this.free = max;
    this.freeSeats = max;
  }

  /** `own`: slots of the request itself, which it may use. */
  mayEnter(holder: string, own: number): boolean {
    return !this.#waiting.has(holder) && this.#hasRoom(holder, own);
  }

  #hasRoom(holder: string, own: number): boolean {
    return (this.held.get(holder) ?? 0) < SHARE * (this.free + own);
  }

  /** Slots are free again. */
  wake(): void {
    for (const [holder, queue] of this.#waiting) {
      for (const { ownsSlot, enter } of queue) {
        if (!this.#hasRoom(holder, Number(ownsSlot()))) break;
        enter();
      }
    }
  }

  /** Calls one of both; returns how to leave the queue. */
  wait(
    holder: string,
    ownsSlot: () => boolean,
    entered: () => void,
    refused: (problem: Problem) => void,
  ): () => void {
    const queue = this.#waiting.get(holder) ?? new Set();
    this.#waiting.set(holder, queue);
    const leave = () => {
      clearTimeout(timer);
      queue.delete(place);
      if (queue.size === 0 && this.#waiting.get(holder) === queue) this.#waiting.delete(holder);
    };
    const place: Waiting = {
      ownsSlot,
      enter() {
        leave();
        entered();
      },
    };
    const timer = setTimeout(() => {
      leave();
      refused(overloaded());
    }, MAX_WAIT_MS);
    queue.add(place);
    return leave;
  }
}

/** Without closures: most requests are admitted at once, thousands a second. */
class HeldSlot implements Slot {
  readonly #shares: Shares;
  readonly #keyHolder: string;
  /** By tenant: admissions that had to wait, or still do. */
  readonly #admissions = new Map<string, Promise<void>>();
  readonly #holders: string[];
  /** Each ends a wait. */
  readonly #waits = new Set<() => void>();
  #hasSlot = true;
  #isOpen = true;

  constructor(shares: Shares, response: ServerResponse, keyHolder: string) {
    this.#shares = shares;
    this.#keyHolder = keyHolder;
    this.#holders = [keyHolder];
    shares.free -= 1;
    addTo(shares.held, keyHolder, 1);
    response.once('close', () => this.#close());
  }

  admit(tenant: string): Promise<void> {
    const holder = `tenant ${tenant}`;
    if (!this.#isOpen || this.#holders.includes(holder)) return ADMITTED;
    const known = this.#admissions.get(holder);
    if (known) return known;
    if (this.#shares.mayEnter(holder, Number(this.#hasSlot))) {
      this.#moveTo(holder);
      return ADMITTED;
    }
    const admission = this.#waitFor(holder);
    this.#admissions.set(holder, admission);
    return admission;
  }

  #moveTo(holder: string): void {
    const shares = this.#shares;
    if (!this.#hasSlot) shares.free -= 1;
    this.#hasSlot = true;
    addTo(shares.held, holder, 1);
    if (this.#holders[0] !== this.#keyHolder) return void this.#holders.push(holder);
    this.#holders[0] = holder;
    addTo(shares.held, this.#keyHolder, -1);
    shares.wake();
  }

  #giveUp(): void {
    if (this.#hasSlot) this.#shares.free += 1;
    this.#hasSlot = false;
    for (const holder of this.#holders) addTo(this.#shares.held, holder, -1);
    this.#holders.length = 0;
  }

  /** While it waits, its key's other requests, perhaps of other tenants, get its slot, as long as there are seats. */
  #waitFor(holder: string): Promise<void> {
    const shares = this.#shares;
    const isSeated =
      this.#holders[0] === this.#keyHolder && (shares.seated.get(holder) ?? 0) < SHARE * shares.freeSeats;
    if (isSeated) {
      addTo(shares.seated, holder, 1);
      shares.freeSeats -= 1;
      this.#giveUp();
    }
    return new Promise((resolve, reject) => {
      const end = () => {
        this.#waits.delete(end);
        leave();
        if (!isSeated) return;
        addTo(shares.seated, holder, -1);
        shares.freeSeats += 1;
      };
      const entered = () => {
        end();
        this.#moveTo(holder);
        resolve();
      };
      const refused = (problem: Problem) => {
        end();
        reject(problem);
      };
      const leave = shares.wait(holder, () => this.#hasSlot, entered, refused);
      this.#waits.add(end);
      if (isSeated) shares.wake();
    });
  }

  #close(): void {
    this.#isOpen = false;
    for (const end of this.#waits) end();
    this.#giveUp();
    this.#shares.wake();
  }
}

const ADMITTED = Promise.resolve();
