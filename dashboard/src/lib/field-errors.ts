import { ApiError } from '../api/problem';

/**
 * The messages of a refused request by the field of the form that shows each: an error at `headers.x-foo` belongs to `headers`
 * and begins with `x-foo: `. Errors of no field, and refusals without fields, are at ``.
 */
export function fieldErrors<Name extends string>(
  error: unknown,
  names: readonly Name[],
): Partial<Record<Name | '', string>> {
  const errors: Partial<Record<Name | '', string>> = {};
  const fields = error instanceof ApiError ? Object.entries(error.fields) : [];
  if (fields.length === 0)
    return { '': error instanceof Error ? error.message : 'An unknown error.' } as typeof errors;
  for (const [path, message] of fields) {
    const name = names.find(
      (one) => path === one || path.startsWith(`${one}.`) || path.startsWith(`${one}[`),
    );
    const inside = name === undefined ? path : path.slice(name.length).replace(/^\./, '');
    const text = inside ? `${inside}: ${message}` : message;
    errors[name ?? ''] = errors[name ?? ''] === undefined ? text : `${errors[name ?? '']} ${text}`;
  }
  return errors;
}
