export interface PollLoop {
  /** Something may have changed: looks at once. */
  wake(): void;
  /** Ends after the look at hand. */
  close(): Promise<void>;
}

/** Looks again and again, each time after as many milliseconds as the look before it answered, or when woken. */
export function startPollLoop(look: () => Promise<number>): PollLoop {
  let closed = false;
  let awake = false;
  let endRest: () => void = () => {};

  async function run(): Promise<void> {
    while (!closed) {
      awake = false;
      const nextMs = await look();
      // What woke it during the look may have come too late for it.
      if (!awake) await rest(nextMs);
    }
  }

  function rest(ms: number): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, ms);
      endRest = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }

  function wake(): void {
    awake = true;
    endRest();
  }

  const running = run();
  return {
    wake,
    close() {
      closed = true;
      wake();
      return running;
    },
  };
}
