import { blue, dim, green, magenta, red, yellow, type Text } from './text.js';

const STYLES: Record<string, (text: string) => Text> = {
  DELIVERED: green,
  COMPLETED: green,
  enabled: green,
  PENDING: blue,
  IN_PROGRESS: yellow,
  RUNNING: blue,
  PLANNING: blue,
  HELD: magenta,
  PAUSED: magenta,
  DRY_RUN: magenta,
  paused: magenta,
  FAILED: red,
  disabled: red,
  CANCELLED: dim,
};

/** A status of a delivery, a batch or an endpoint, in its color. */
export const statusText = (status: string): Text => STYLES[status]?.(status) ?? status;
