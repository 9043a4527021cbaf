import fc from 'fast-check';

/** Any code point, also half of a surrogate pair. The unit `binary` of fast-check takes a second to set up. */
const codePoint = fc.integer({ min: 0, max: 0x10ffff }).map((code) => String.fromCodePoint(code));

export const anyText = (maxLength?: number) =>
  fc.string({ unit: codePoint, ...(maxLength === undefined ? {} : { maxLength }) });
