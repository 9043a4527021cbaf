/** Characters that a search in payloads needs. */
export const LEAST_TEXT = 3;

const FOLDERS: Record<string, string> = { evt: 'events', del: 'deliveries', ep: 'endpoints', bat: 'replay' };

/** The path of the page of an object, by its id; null: it is no id of an object with a page. */
export function pageOfId(id: string): string | null {
  const folder = /^(evt|del|ep|bat)_[\w-]+$/.exec(id) && FOLDERS[id.slice(0, id.indexOf('_'))];
  return folder ? `/${folder}/${id}` : null;
}
