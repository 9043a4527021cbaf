import type { LiveTick } from '../api/types';
import { NOTHING_YET, withNewest, withTick, type LiveState, type Newest } from './live-state';

export interface LiveStream {
  state(): LiveState;
  /** Calls `changed` after each change of the state, until the returned function is called. `tenant`: of this one only. */
  subscribe(tenant: string | undefined, changed: () => void): () => void;
}

/** The server ticks every 2 s. Longer silence: the connection may be dead without having been closed. */
const SILENCE_MS = 15_000;
const AGAIN_MS = 2_000;
/** A look at another page does not lose the series. */
const LINGER_MS = 60_000;

/**
 * One connection for all components of the page, while there are any and the page is visible: over HTTP/1.1, browsers have
 * 6 connections to a host for all tabs together.
 * @param readNewest The newest rows now: a stream tells only of those after its beginning.
 * @param session.id Another one than before, or another tenant: nothing of the one before is shown.
 * @param session.isOpen Asked when the server answers something else than a stream, which an EventSource takes for final.
 */
export function createLiveStream(
  readNewest: (tenant: string | undefined) => Promise<Newest>,
  session: { id: () => string | undefined; isOpen: () => Promise<boolean> },
): LiveStream {
  const listeners = new Set<() => void>();
  let state = NOTHING_YET;
  let source: EventSource | null = null;
  let owner: string | undefined;
  let viewed: string | undefined;
  let timer: ReturnType<typeof setTimeout> | undefined;
  let leaving: ReturnType<typeof setTimeout> | undefined;

  function become(next: LiveState) {
    state = next;
    for (const changed of listeners) changed();
  }

  function lost() {
    if (state.status !== 'reconnecting') become({ ...state, status: 'reconnecting' });
  }

  function connectAfter(ms: number) {
    clearTimeout(timer);
    timer = setTimeout(connect, ms);
  }

  function connect() {
    source?.close();
    source = null;
    if (isHidden()) return;
    const tenant = viewed;
    const query = tenant === undefined ? '' : `?tenant=${encodeURIComponent(tenant)}`;
    const own = (source = new EventSource(`/v1/live${query}`));
    const readEarlier = () =>
      void readNewest(tenant)
        .catch(() => ({ events: [], attempts: [] }))
        .then((rows) => {
          if (source === own) become({ ...withNewest(state, rows), hasEarlier: true });
        });
    own.addEventListener('open', readEarlier);
    own.addEventListener('tick', ({ data }: MessageEvent<string>) => {
      watchSilence();
      const tick = JSON.parse(data) as LiveTick;
      become(withTick(state, tick));
      // Its rows begin after those that were read when the connection opened: some may lie between.
      if (tick.seconds === 0) readEarlier();
    });
    own.addEventListener('error', () => {
      lost();
      if (own.readyState !== EventSource.CLOSED) return;
      clearTimeout(timer);
      void session.isOpen().then((isOpen) => {
        if (source !== own) return;
        if (isOpen) connectAfter(AGAIN_MS);
        else disconnect();
      });
    });
    watchSilence();
  }

  function watchSilence() {
    clearTimeout(timer);
    timer = setTimeout(() => {
      lost();
      connect();
    }, SILENCE_MS);
  }

  function close() {
    clearTimeout(timer);
    source?.close();
    source = null;
  }

  function disconnect() {
    close();
    state = NOTHING_YET;
  }

  document.addEventListener('visibilitychange', () => {
    if (!isHidden()) {
      if (source === null && listeners.size > 0) connect();
    } else if (source !== null) {
      close();
      lost();
    }
  });

  return {
    state: () => state,
    subscribe(tenant, changed) {
      clearTimeout(leaving);
      listeners.add(changed);
      if (owner !== session.id() || viewed !== tenant) disconnect();
      owner = session.id();
      viewed = tenant;
      if (source === null) connect();
      return () => {
        listeners.delete(changed);
        if (listeners.size === 0) leaving = setTimeout(disconnect, LINGER_MS);
      };
    },
  };
}

const isHidden = () => document.visibilityState === 'hidden';
