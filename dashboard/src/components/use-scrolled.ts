import { useSyncExternalStore } from 'react';

function subscribe(listener: () => void): () => void {
  window.addEventListener('scroll', listener, { passive: true });
  return () => window.removeEventListener('scroll', listener);
}

/** Whether the page is scrolled away from its top: rows that come in there would move what is read. */
export const useScrolled = (): boolean => useSyncExternalStore(subscribe, () => window.scrollY > 60);
