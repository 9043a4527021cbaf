/** Preloaded into a process (`--import`) to shift its clock by CLOCK_OFFSET_MS. */
const offsetMs = Number(process.env.CLOCK_OFFSET_MS);
const { now } = Date;

globalThis.Date = class ShiftedDate extends Date {
  constructor(...values: [] | [number | string | Date]) {
    if (values.length === 0) super(now() + offsetMs);
    // Also serves the other overloads of Date.
    else super(...values);
  }
  static override now = () => now() + offsetMs;
} as DateConstructor;
