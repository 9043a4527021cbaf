export interface PollLoop {
  /** Polls at once, because something may have changed. */
  wake(): void;
  /** Stops after the current poll. */
  close(): Promise<void>;
}

/** Polls in a loop: `look` returns the milliseconds until the next poll, which `wake` cuts short. */
export function startPollLoop(look: () => Promise<number>): PollLoop {
  let closed = false;
  let awake = false;
  let endRest: () => void = () => {};

  async function run(): Promise<void> {
    while (!closed) {
      awake = false;
      const nextMs = await look();
      // A wake during the poll may signal a change that the poll missed: poll again at once.
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
