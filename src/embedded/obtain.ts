/** The means of every way to get the Temporal CLI. */
export interface Obtain {
  progress: (line: string) => void;
  env: NodeJS.ProcessEnv;
  /** Ends what is under way, and the search. */
  signal: AbortSignal;
}
