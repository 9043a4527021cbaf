/** Bytes of a text as UTF-8, without Node's Buffer: the page checks filters, too. */
export const byteLength = (text: string): number => new TextEncoder().encode(text).length;
