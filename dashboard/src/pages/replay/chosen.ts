/** Ids of deliveries chosen in a list, on their way to `/replay/new`: too many for the URL. In memory: a reload forgets them. */
let chosen: string[] = [];

export const setChosen = (ids: string[]): void => {
  chosen = ids;
};

export const getChosen = (): string[] => chosen;

/** The ids, which are forgotten with this call. */
export function takeChosen(): string[] {
  const ids = chosen;
  chosen = [];
  return ids;
}
