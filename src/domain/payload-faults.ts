import type { ErrorObject } from 'ajv';
import { cutText } from './cut-text.js';
import { unescapeToken } from './json-schema.js';

export interface PayloadFault {
  /** `payload.items[0].price` */
  path: string;
  message: string;
}

/** Names in a payload have no maximum length. */
const MAX_PATH = 160;
const MAX_MESSAGE = 300;

/** An error of Ajv with the place in the value, and without any of its contents. */
export function describeError(error: ErrorObject, value: unknown, root: string): PayloadFault {
  const { keyword, instancePath, params, message = 'is not valid' } = error;
  const path = pathIn(value, instancePath, root);
  switch (keyword) {
    case 'required':
    case 'dependentRequired':
      return { path: bound(`${path}.${params.missingProperty}`), message: 'Is required.' };
    case 'additionalProperties':
      return { path: bound(`${path}.${params.additionalProperty}`), message: 'This field is not known.' };
    case 'unevaluatedProperties':
      return { path: bound(`${path}.${params.unevaluatedProperty}`), message: 'This field is not known.' };
    case 'enum':
      return { path, message: sentence(`must be one of ${JSON.stringify(params.allowedValues)}`) };
    case 'const':
      return { path, message: sentence(`must be ${JSON.stringify(params.allowedValue)}`) };
    case 'false schema':
      return { path, message: 'Must not be there.' };
    default:
      return { path, message: sentence(message.replace('NOT', 'not')) };
  }
}

const bound = (path: string) => cutText(path, MAX_PATH);

function sentence(message: string): string {
  const text = cutText(message, MAX_MESSAGE);
  return `${text.charAt(0).toUpperCase()}${text.slice(1)}.`;
}

/** A JSON pointer says `0` for an index and for a name alike: the value tells which it is. */
function pathIn(value: unknown, pointer: string, root: string): string {
  let path = root;
  let at = value;
  for (const token of pointer.split('/').slice(1)) {
    const key = unescapeToken(token);
    path += Array.isArray(at) ? `[${key}]` : `.${key}`;
    if (path.length > MAX_PATH) break;
    at = (at as Record<string, unknown> | null | undefined)?.[key];
  }
  return bound(path);
}
