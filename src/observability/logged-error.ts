import { causesOf, isError, messageOf } from '../lib/error-text.js';

/**
 * Properties that say what has failed. Others may hold data: `detail` and `where` of Postgres quote rows, `input` of Node
 * is the URL that could not be read.
 */
const SHOWN = [
  ...['code', 'errno', 'syscall', 'address', 'port', 'hostname'],
  ...['severity', 'schema', 'table', 'column', 'constraint', 'routine'],
];

/** An error as it is logged: with its causes, and without the data that it quotes. */
export function loggedError(error: unknown): unknown {
  if (error === undefined) return undefined;
  if (!isError(error)) return { message: messageOf(error) };
  const causes = causesOf(error);
  const withoutData = (text: string) =>
    causes.reduce(
      (rest, one) => (one.message ? rest.replaceAll(one.message, () => messageOf(one)) : rest),
      text,
    );
  const properties = error as unknown as Record<string, unknown>;
  return {
    type: error.constructor.name,
    message: causes.map(messageOf).join(': '),
    stack: withoutData(causes.map(({ stack }) => stack).join('\ncaused by: ')),
    ...(error instanceof AggregateError ? { errors: error.errors.map(loggedError) } : {}),
    ...Object.fromEntries(SHOWN.flatMap((name) => (name in error ? [[name, properties[name]]] : []))),
  };
}
