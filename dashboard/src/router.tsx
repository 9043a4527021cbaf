import type { QueryClient } from '@tanstack/react-query';
import {
  createRootRouteWithContext,
  createRoute,
  createRouter,
  lazyRouteComponent,
  redirect,
} from '@tanstack/react-router';
import { z } from 'zod';
import { sessionQuery } from './api/session';
import { Layout } from './app/layout';
import { NotFound, RouteError, RoutePending } from './app/route-states';
import { deliveriesSearch } from './pages/deliveries/search';
import { endpointsSearch } from './pages/endpoints/search';
import { eventsSearch } from './pages/events/search';
import { batchesSearch, batchSearch, newReplaySearch } from './pages/replay/search';
import { apiKeysSearch, auditSearch, eventTypesSearch, issuesSearch, tenantsSearch } from './pages/search';

interface Context {
  queryClient: QueryClient;
}

const root = createRootRouteWithContext<Context>()({ notFoundComponent: NotFound });

const signIn = createRoute({
  getParentRoute: () => root,
  path: '/sign-in',
  validateSearch: z.object({ to: z.string().optional().catch(undefined) }),
  component: lazyRouteComponent(() => import('./pages/sign-in/page'), 'SignIn'),
});

/** Everything behind the sign-in. */
const signedIn = createRoute({
  getParentRoute: () => root,
  id: 'signed-in',
  async beforeLoad({ context, location }) {
    const session = await context.queryClient.ensureQueryData(sessionQuery);
    // eslint-disable-next-line @typescript-eslint/only-throw-error -- the router's way to redirect
    if (session === null) throw redirect({ to: '/sign-in', search: { to: location.href } });
  },
  component: Layout,
});

const at = <Path extends string>(path: Path) => ({ getParentRoute: () => signedIn, path });

const pages = [
  createRoute({
    ...at('/'),
    component: lazyRouteComponent(() => import('./pages/overview/page'), 'Overview'),
  }),
  createRoute({
    ...at('/issues'),
    validateSearch: issuesSearch,
    component: lazyRouteComponent(() => import('./pages/issues/page'), 'Issues'),
  }),
  createRoute({
    ...at('/events'),
    validateSearch: eventsSearch,
    component: lazyRouteComponent(() => import('./pages/events/page'), 'Events'),
  }),
  createRoute({
    ...at('/events/$id'),
    component: lazyRouteComponent(() => import('./pages/events/event'), 'EventPage'),
  }),
  createRoute({
    ...at('/deliveries'),
    validateSearch: deliveriesSearch,
    component: lazyRouteComponent(() => import('./pages/deliveries/page'), 'Deliveries'),
  }),
  createRoute({
    ...at('/deliveries/$id'),
    component: lazyRouteComponent(() => import('./pages/deliveries/delivery'), 'DeliveryPage'),
  }),
  createRoute({
    ...at('/endpoints'),
    validateSearch: endpointsSearch,
    component: lazyRouteComponent(() => import('./pages/endpoints/page'), 'Endpoints'),
  }),
  createRoute({
    ...at('/endpoints/new'),
    component: lazyRouteComponent(() => import('./pages/endpoints/new'), 'NewEndpoint'),
  }),
  createRoute({
    ...at('/endpoints/$id'),
    component: lazyRouteComponent(() => import('./pages/endpoints/endpoint'), 'EndpointPage'),
  }),
  createRoute({
    ...at('/endpoints/$id/edit'),
    component: lazyRouteComponent(() => import('./pages/endpoints/edit'), 'EditEndpoint'),
  }),
  createRoute({
    ...at('/replay'),
    validateSearch: batchesSearch,
    component: lazyRouteComponent(() => import('./pages/replay/page'), 'Replay'),
  }),
  createRoute({
    ...at('/replay/new'),
    validateSearch: newReplaySearch,
    component: lazyRouteComponent(() => import('./pages/replay/new'), 'NewReplay'),
  }),
  createRoute({
    ...at('/replay/$id'),
    validateSearch: batchSearch,
    component: lazyRouteComponent(() => import('./pages/replay/batch'), 'BatchPage'),
  }),
  createRoute({
    ...at('/event-types'),
    validateSearch: eventTypesSearch,
    component: lazyRouteComponent(() => import('./pages/event-types/page'), 'EventTypes'),
  }),
  createRoute({
    ...at('/event-types/$name'),
    component: lazyRouteComponent(() => import('./pages/event-types/event-type'), 'EventTypePage'),
  }),
  createRoute({
    ...at('/tenants'),
    validateSearch: tenantsSearch,
    component: lazyRouteComponent(() => import('./pages/tenants/page'), 'Tenants'),
  }),
  createRoute({
    ...at('/tenants/$id'),
    component: lazyRouteComponent(() => import('./pages/tenants/tenant'), 'TenantPage'),
  }),
  createRoute({
    ...at('/api-keys'),
    validateSearch: apiKeysSearch,
    component: lazyRouteComponent(() => import('./pages/api-keys/page'), 'ApiKeys'),
  }),
  createRoute({
    ...at('/audit'),
    validateSearch: auditSearch,
    component: lazyRouteComponent(() => import('./pages/audit/page'), 'Audit'),
  }),
  createRoute({
    ...at('/settings'),
    component: lazyRouteComponent(() => import('./pages/settings/page'), 'Settings'),
  }),
] as const;

const routeTree = root.addChildren([signIn, signedIn.addChildren(pages)]);

export const createDashboardRouter = (queryClient: QueryClient) =>
  createRouter({
    routeTree,
    context: { queryClient },
    defaultPreload: 'intent',
    // Another id in the path is another page: state of the page before, such as a shown secret, ends with it.
    defaultRemountDeps: ({ params }) => params,
    scrollRestoration: true,
    defaultErrorComponent: RouteError,
    defaultPendingComponent: RoutePending,
  });

declare module '@tanstack/react-router' {
  interface Register {
    router: ReturnType<typeof createDashboardRouter>;
  }
}
