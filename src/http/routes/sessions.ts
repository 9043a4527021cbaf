import { z } from 'zod';
import { answer } from '../answer.js';
import { session } from '../answers/sessions.js';
import { keyHash, refused, unauthorized, unknownKey, type Identity, type KeyAuth } from '../auth.js';
import { apiKeyExample } from '../examples.js';
import { requirePage, requireSameOrigin } from '../page/same-origin.js';
import type { PageSessions } from '../page/sessions.js';
import type { ProblemCode } from '../problem-codes.js';
import { routeWith } from '../route.js';
import { text } from '../text-schemas.js';

export interface SessionDeps {
  sessions: PageSessions;
  identifyHash: KeyAuth['identifyHash'];
  countFailure: KeyAuth['countFailure'];
  version: string;
}

const MAX_SIGN_IN_BYTES = 4 * 1024;

const route = routeWith<SessionDeps>();
const tag = 'Sessions';

const signInBody = z
  .strictObject({
    api_key: text(2_048).optional().meta({ description: 'An API key; not the token of a portal session.' }),
    token: text(2_048).optional().meta({ description: 'The part of a sign-in link behind `#token=`.' }),
  })
  .refine(({ api_key, token }) => (api_key === undefined) !== (token === undefined), {
    message: 'Must be there, unless there is a token.',
    path: ['api_key'],
  });

const REFUSED_LINKS: Record<'unknown' | 'expired' | 'used', [code: ProblemCode, message: string]> = {
  unknown: ['unauthorized', 'Is not known.'],
  expired: ['link_expired', 'Was not used in time: sign in with an API key.'],
  used: ['link_used', 'Was used before, and works once: sign in with an API key.'],
};

const signIn = route('POST /session', {
  operationId: 'signIn',
  tag,
  role: 'none',
  keyInBody: true,
  // No slot: a body that is slow to arrive would keep it. Look-ups are made together, and links used up two at a time.
  lane: 'free',
  summary: 'Sign in to the dashboard',
  description:
    'With an API key, or the token of a sign-in link, which works once. Sets a cookie for 12 hours.',
  maxBytes: MAX_SIGN_IN_BYTES,
  body: signInBody,
  example: { api_key: apiKeyExample.key },
  responses: { 200: { description: 'Who is signed in.', schema: session } },
  problems: [
    'unauthorized',
    'link_expired',
    'link_used',
    'forbidden',
    'rate_limited',
    'unavailable',
    'overloaded',
  ],
  async handle({ body, request, response }, { sessions, identifyHash, countFailure, version }) {
    requireSameOrigin(request);
    const path = body.api_key === undefined ? 'token' : 'api_key';
    const hash = body.api_key === undefined ? await hashIn(body.token!) : keyHash(body.api_key);
    const unknown = () => unknownKey(() => countFailure(request), path);
    const identity = await identifyHash(hash, response, { unknown, path });
    if (identity.role === 'portal')
      throw unauthorized('The token of a portal session is for the portal.', path);
    const { session, cookie } = sessions.begin(hash);
    return answer(200, shown(identity, session.expiresAt, version), { 'set-cookie': cookie });

    async function hashIn(link: string): Promise<string> {
      const token = await sessions.redeem(link);
      if (typeof token !== 'string') return token.keyHash;
      // A right link is never refused for others from its address: it may be that of a proxy.
      if (token === 'unknown') countFailure(request);
      const [code, message] = REFUSED_LINKS[token];
      throw refused(code, `token: ${message}`, [{ path: 'token', message }]);
    }
  },
});

const current = route('GET /session', {
  operationId: 'getSession',
  tag,
  role: 'any',
  lane: 'free',
  summary: 'Get who is signed in',
  responses: { 200: { description: 'The session of the cookie, or the API key.', schema: session } },
  async handle({ identity, request }, { sessions, version }) {
    return answer(200, shown(identity, sessions.read(request)?.expiresAt, version));
  },
});

const signOut = route('DELETE /session', {
  operationId: 'signOut',
  tag,
  role: 'none',
  lane: 'free',
  summary: 'Sign out of the dashboard',
  description:
    'For good, in every process: a copy of the cookie is refused, too. Without a session, it does nothing.',
  responses: { 204: { description: 'Signed out.', schema: null } },
  problems: ['forbidden', 'unavailable', 'overloaded'],
  async handle({ request }, { sessions }) {
    const session = sessions.inCookie(request);
    if (session) {
      requirePage(request);
      await sessions.end(session);
    }
    return answer(204, undefined, { 'set-cookie': sessions.removal() });
  },
});

/** A session ends with its key. */
function shown({ name, role, tenant, expires_at }: Identity, endsAt: number | undefined, version: string) {
  const ends = [expires_at?.getTime(), endsAt].filter((time) => time !== undefined);
  const end = ends.length > 0 ? new Date(Math.min(...ends)) : null;
  return { name, role: role as Exclude<typeof role, 'portal'>, tenant, expires_at: end, version };
}

/** Not under /v1: they are of the page. */
export const sessionRoutes = [signIn, current, signOut];
