import {
  createHashHistory,
  createRootRoute,
  createRoute,
  createRouter,
  lazyRouteComponent,
  redirect,
} from '@tanstack/react-router';
import { RouteError, RoutePending } from '../app/route-states';
import { deliveriesSearch } from '../pages/deliveries/search';
import { NotFound } from './not-found';
import { PortalFrame } from './portal-frame';

const root = createRootRoute({ notFoundComponent: NotFound });

/** Its id is that of the dashboard's: pages of the dashboard find their parameters by it. */
const frame = createRoute({ getParentRoute: () => root, id: 'signed-in', component: PortalFrame });

const at = <Path extends string>(path: Path) => ({ getParentRoute: () => frame, path });

const pages = [
  createRoute({
    ...at('/'),
    beforeLoad() {
      // eslint-disable-next-line @typescript-eslint/only-throw-error -- the router's way to redirect
      throw redirect({ to: '/endpoints', replace: true });
    },
  }),
  createRoute({
    ...at('/endpoints'),
    component: lazyRouteComponent(() => import('./pages/endpoints'), 'Endpoints'),
  }),
  createRoute({
    ...at('/endpoints/new'),
    component: lazyRouteComponent(() => import('./pages/new-endpoint'), 'NewEndpoint'),
  }),
  createRoute({
    ...at('/endpoints/$id'),
    component: lazyRouteComponent(() => import('../pages/endpoints/endpoint'), 'EndpointPage'),
  }),
  createRoute({
    ...at('/endpoints/$id/edit'),
    component: lazyRouteComponent(() => import('../pages/endpoints/edit'), 'EditEndpoint'),
  }),
  createRoute({
    ...at('/event-types'),
    component: lazyRouteComponent(() => import('./pages/catalogue'), 'Catalogue'),
  }),
  createRoute({
    ...at('/event-types/$name'),
    component: lazyRouteComponent(() => import('./pages/event-type'), 'EventTypePage'),
  }),
  createRoute({
    ...at('/deliveries'),
    validateSearch: deliveriesSearch,
    component: lazyRouteComponent(() => import('./pages/log'), 'Log'),
  }),
  createRoute({
    ...at('/deliveries/$id'),
    component: lazyRouteComponent(() => import('./pages/delivery'), 'DeliveryPage'),
  }),
  createRoute({
    ...at('/replay/new'),
    validateSearch: deliveriesSearch,
    component: lazyRouteComponent(() => import('./pages/replay'), 'Replay'),
  }),
] as const;

const routeTree = root.addChildren([frame.addChildren(pages)]);

/** Its pages are behind the # of the address: the server knows only `/portal`. Paths are those of the dashboard's pages. */
export const createPortalRouter = () =>
  createRouter({
    routeTree,
    history: createHashHistory(),
    defaultPreload: 'intent',
    // Another id in the path is another page: state of the page before, such as a shown secret, ends with it.
    defaultRemountDeps: ({ params }) => params,
    scrollRestoration: true,
    defaultErrorComponent: RouteError,
    defaultPendingComponent: RoutePending,
  });
