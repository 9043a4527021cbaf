import { useCallback, useEffect, useState } from 'react';
import { Center, Loader } from '@mantine/core';
import { ClosedPage } from './closed-page';
import { takeCode } from './link-code';
import { OpenPortal } from './open-portal';
import { PortalTheme } from './portal-theme';
import { end, openSession, type Closed, type Open } from './session';
import type { Close } from './use-portal';

/** The customer's page: opens the session of a link, and shows its end. */
export function Portal({ opening, code }: { opening: ReturnType<typeof openSession>; code: string | null }) {
  const [state, setState] = useState<Open | Closed | null>(null);
  const [lastCode, setLastCode] = useState(code);
  useEffect(() => void opening.then((next) => setState((was) => next ?? was)), [opening]);

  const open = useCallback((next: string | null) => {
    setLastCode(next);
    setState(null);
    void openSession(next).then((opened) => setState((was) => opened ?? was));
  }, []);
  // A new link in the same frame changes only what is behind the #, so nothing is loaded again. The code is taken before the
  // router sees the address, which it would take for a page and write anew.
  useEffect(() => {
    const look = (event: PopStateEvent) => {
      const next = takeCode();
      if (next === null) return;
      event.stopImmediatePropagation();
      open(next);
    };
    window.addEventListener('popstate', look, { capture: true });
    return () => window.removeEventListener('popstate', look, { capture: true });
  }, [open]);

  // An answer to the session before may come late.
  const close: Close = useCallback(
    ({ id }, why) =>
      setState((was) =>
        was?.is === 'open' && was.session.id === id ? end(why, was.session.return_url) : was,
      ),
    [],
  );
  return (
    <PortalTheme>
      {state === null && (
        <Center mih={200} role="status" aria-label="Loading">
          <Loader size="sm" />
        </Center>
      )}
      {state?.is === 'closed' && <ClosedPage {...state} again={() => open(lastCode)} />}
      {state?.is === 'open' && <OpenPortal key={state.session.id} {...state} close={close} />}
    </PortalTheme>
  );
}
