import { Link, Outlet, useLocation } from '@tanstack/react-router';
import { useCan } from '../api/api-context';
import { Empty } from '../components/empty';
import { SessionBar } from './session-bar';
import { usePortal } from './use-portal';
import classes from './portal-frame.module.css';

const PAGES = [
  { to: '/endpoints', label: 'Endpoints' },
  { to: '/deliveries', label: 'Log' },
  { to: '/event-types', label: 'Event catalogue' },
  { to: '/replay/new', label: 'Replay' },
] as const;

/** The frame around every page: whose webhooks these are, and the way to the other pages. */
export function PortalFrame() {
  const { session } = usePortal();
  const { pathname } = useLocation();
  const { replay } = useCan();
  const isAt = (to: string) => `${pathname}/`.startsWith(`${to}/`);
  const canRead = session.scopes.includes('read');
  return (
    <div className={classes.frame}>
      <SessionBar />
      {canRead && (
        <nav aria-label="Pages" className={classes.tabs}>
          {PAGES.filter(({ to }) => replay || to !== '/replay/new').map(({ to, label }) => (
            <Link key={to} to={to} className={classes.tab} aria-current={isAt(to) ? 'page' : undefined}>
              {label}
            </Link>
          ))}
        </nav>
      )}
      <main>
        {canRead ? (
          <Outlet />
        ) : (
          <Empty title="This link does not allow looking at webhooks">
            Ask for another one where you came from.
          </Empty>
        )}
      </main>
    </div>
  );
}
