import { useSyncExternalStore } from 'react';

/** Kept for this tab only, so that a reload keeps it and a new tab starts with all tenants. */
const KEY = 'surehook.viewed-tenant';
const listeners = new Set<() => void>();

function subscribe(listener: () => void) {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

const read = () => sessionStorage.getItem(KEY) ?? undefined;

/** Lists show this tenant until their own filter names another one; null: all tenants again. */
export function viewTenant(id: string | null) {
  if (id === null) sessionStorage.removeItem(KEY);
  else sessionStorage.setItem(KEY, id);
  for (const listener of listeners) listener();
}

/** The tenant that lists are limited to by "View as this tenant"; undefined: all. Use `search.tenant ?? useViewedTenant()`. */
export const useViewedTenant = (): string | undefined => useSyncExternalStore(subscribe, read);
