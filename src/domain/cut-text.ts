/** Cuts a text for a message: a caller may have written any length. */
export const cutText = (text: string, most = 100): string =>
  text.length > most ? `${text.slice(0, most)}…` : text;
