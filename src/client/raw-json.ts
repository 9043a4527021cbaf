/** A payload that receivers get byte for byte. */
export class RawJson {
  constructor(readonly text: string) {}
}

/** JSON whose text is sent as it is: parsing would change `1.0`, and numbers above 2^53. Throws a SyntaxError. */
export function rawJson(text: string): RawJson {
  JSON.parse(text);
  return new RawJson(text);
}

/** The body of an event, as JSON. */
export function withPayload(payload: unknown, fields: object): object | string {
  if (!(payload instanceof RawJson)) return { payload, ...fields };
  return `{"payload":${payload.text},${JSON.stringify(fields).slice(1)}`;
}
