/** `#shc_…`, as the API makes links, or `#code=shc_…`. */
const CODE = /^#(?:code=)?(shc_[\w-]+)$/;

/** Takes the code of a link out of the address, before anything else can read it there; null: the address has none. */
export function takeCode(): string | null {
  const code = CODE.exec(location.hash)?.[1] ?? null;
  if (code !== null) history.replaceState(null, '', location.pathname + location.search);
  return code;
}
