import { types } from 'node:util';

/**
 * Messages that quote data: those of JSON.parse, and those of Postgres in class 22 (data exceptions), whose quotation
 * marks depend on its language. Other classes quote rows only in their `detail`.
 */
const QUOTING = [
  { isOne: ({ name }: Failure) => name === 'SyntaxError', data: /"[^]*"/ },
  { isOne: ({ code }: Failure) => /^22/.test(String(code)), data: /["'«»„“”「][^]*["'«»“”」]/ },
];
const MAX_CAUSES = 5;

type Failure = Error & { code?: unknown };

/** Whether this is an error, also one of another context, as those of workflows are. */
export const isError = (value: unknown): value is Error =>
  value instanceof Error || types.isNativeError(value);

/** The message of an error, without the data that it may quote: a payload, or a secret. */
export function messageOf(error: unknown): string {
  if (!isError(error)) return String(error);
  const quoting = QUOTING.find(({ isOne }) => isOne(error));
  return quoting ? error.message.replace(quoting.data, '"…"') : error.message;
}

/** The error, and what caused it. */
export function causesOf(error: Error): Error[] {
  const causes = [error];
  for (let one = error.cause; isError(one) && causes.length < MAX_CAUSES; one = one.cause) causes.push(one);
  return causes;
}
