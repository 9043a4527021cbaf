const KEY = 'surehook.portal';

interface Stored {
  /** The code that gave the token; it is used up. */
  code: string;
  token: string;
}

/**
 * The token of this frame, so that a reload goes on with its session. It is kept for as long as the tab, and only for this
 * frame's origin in it. In memory where a browser keeps no storage for frames of other sites: a reload then needs a new link.
 */
let inMemory: Stored | null = null;

export function readStored(): Stored | null {
  try {
    return JSON.parse(sessionStorage.getItem(KEY) ?? 'null') as Stored | null;
  } catch {
    return inMemory;
  }
}

export function store(session: Stored | null): void {
  inMemory = session;
  try {
    if (session === null) sessionStorage.removeItem(KEY);
    else sessionStorage.setItem(KEY, JSON.stringify(session));
  } catch {
    // A frame of another site, in a browser that keeps no storage for it.
  }
}
