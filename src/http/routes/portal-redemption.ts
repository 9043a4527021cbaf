import type { Unredeemed } from '../../db/portal-sessions.js';
import { answer } from '../answer.js';
import { redeemedPortalSession } from '../answers/portal-sessions.js';
import { keyHash, newCredential, refused } from '../auth.js';
import { CODE_EXAMPLE, redeemedExample } from '../examples.js';
import { redeemBody } from '../portal-schemas.js';
import type { ProblemCode } from '../problem-codes.js';
import { route } from '../route.js';

const MAX_REDEEM_BYTES = 4 * 1024;

/** Naming the reason tells a stranger nothing: nobody guesses 256 bits. */
const REFUSALS: Record<Unredeemed, [code: ProblemCode, message: string]> = {
  unknown: ['unauthorized', 'Is not known.'],
  used: ['link_used', 'Was used before: a link works once.'],
  expired: ['link_expired', 'Was not used in time.'],
  revoked: ['link_revoked', 'Was revoked.'],
};

const redeem = route('POST /v1/portal-sessions/redeem', {
  operationId: 'redeemPortalSession',
  tag: 'Portal sessions',
  role: 'none',
  // No slot: a body that is slow to arrive would keep it. Statements are limited by `redeemPortalSession`.
  lane: 'free',
  summary: 'Turn the code of a link into the token of its session',
  description: 'Needs no API key. Only this answer has the token; the code is used up even if it gets lost.',
  maxBytes: MAX_REDEEM_BYTES,
  body: redeemBody,
  example: { code: CODE_EXAMPLE },
  responses: {
    200: {
      description: 'The session with its token.',
      schema: redeemedPortalSession,
      example: redeemedExample,
    },
  },
  problems: ['unauthorized', 'link_used', 'link_expired', 'link_revoked', 'rate_limited', 'unavailable'],
  async handle({ body: { code }, request, requestId }, { redeemPortalSession, countFailure }) {
    const token = newCredential('shs');
    const session = await redeemPortalSession({
      codeHash: keyHash(code),
      tokenHash: keyHash(token),
      requestId,
    });
    if (typeof session !== 'string') return answer(200, { ...session, token });
    // A right code is never refused for others from its address: it may be that of a proxy.
    if (session === 'unknown') countFailure(request);
    const [problem, message] = REFUSALS[session];
    throw refused(problem, `code: ${message}`, [{ path: 'code', message }]);
  },
});

/** Without an API key: the code is the credential. */
export const portalRedemptionRoutes = [redeem];
