/** Names of unknown fields have no maximum length. */
const MAX_PATH = 160;

/** Formats `['event_types', 0]` as `event_types[0]`. */
export function pathText(path: PropertyKey[]): string {
  const parts = path.map((part, i) =>
    typeof part === 'number' ? `[${part}]` : `${i ? '.' : ''}${String(part).slice(0, MAX_PATH)}`,
  );
  const text = parts.join('');
  return text.length > MAX_PATH ? `${text.slice(0, MAX_PATH)}…` : text;
}
