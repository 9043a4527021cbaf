/** Arguments shared by every way to get the Temporal CLI. */
export interface Obtain {
  progress: (line: string) => void;
  env: NodeJS.ProcessEnv;
  /** Ends the tool that is running, and the search. */
  signal: AbortSignal;
}
