import addFormats from 'ajv-formats';
import type { Ajv2020 } from 'ajv/dist/2020.js';
import { spend, type Work } from './check-work.js';

/** The formats of JSON Schema and OpenAPI, without `url` of ajv-formats, whose time is quadratic. Others are notes, which check nothing. */
const FORMATS = [
  ...(['date', 'time', 'date-time', 'duration', 'email', 'hostname', 'ipv4', 'ipv6', 'uuid'] as const),
  ...(['uri', 'uri-reference', 'uri-template', 'json-pointer', 'relative-json-pointer', 'regex'] as const),
  ...(['byte', 'binary', 'password', 'int32', 'int64', 'float', 'double'] as const),
];
/** The format of ajv-formats takes a text in which one line is Base64. */
const BYTE = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/;
/** Steps of a call, and of each character: `uri` and `regex` take up to 110 ns a character. */
const CALL_STEPS = 40;
const CHARACTER_STEPS = 2;

/** Formats of texts draw on `work` by the length of the text. */
export function addMeteredFormats(ajv: Ajv2020, work: Work): void {
  addFormats.default(ajv, { formats: FORMATS });
  ajv.addFormat('byte', BYTE);
  for (const [name, format] of Object.entries(ajv.formats)) {
    const test =
      format instanceof RegExp
        ? (text: string) => format.test(text)
        : typeof format === 'object' && format.type !== 'number'
          ? format.validate
          : format;
    // The other formats check numbers, or nothing.
    if (typeof test !== 'function') continue;
    ajv.addFormat(name, (text: string) => {
      spend(work, CALL_STEPS + CHARACTER_STEPS * text.length);
      return (test as (text: string) => boolean)(text);
    });
  }
}
