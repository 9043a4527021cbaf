/** Ids of deliveries chosen in a list, on their way to `/replay/new`: too many for the URL. In memory: a reload forgets them. */
let chosen: string[] = [];

export const setChosen = (ids: string[]): void => {
  chosen = ids;
};

/** The ids, which are forgotten with this call. */
export function takeChosen(): string[] {
  const ids = chosen;
  chosen = [];
  return ids;
}
