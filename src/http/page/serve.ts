import { randomBytes } from 'node:crypto';
import { extname } from 'node:path';
import { Router, type Request, type Response } from 'express';
import { Problem } from '../problem.js';
import type { PageFiles } from './files.js';

/** First parts of the paths that are not the page's: there, an unknown path is a problem in JSON for everybody. */
const NOT_PAGE = ['v1', 'docs', 'openapi.json', 'healthz', 'readyz', 'metrics', 'session', 'assets'];
/** Vite puts it where a nonce has to be. */
const NONCE = '__CSP_NONCE__';
/** Vite's names of built files have a hash of their content; those of `public/assets` have none. */
const HASHED = /-[\w-]{8}\.\w+$/;
const FOR_EVER = 'public, max-age=31536000, immutable';
const FOR_AN_HOUR = 'public, max-age=3600';
const ENCODINGS = [
  ['br', '.br'],
  ['gzip', '.gz'],
] as const;

/** Serves the dashboard and the portal. Every other request goes on. */
export function servePage(files: PageFiles, portalAncestors: string[]): Router {
  const router = Router();
  router.get('/assets/{*path}', (request, response, next) => {
    if (!sendAsset(files.assets, request, response)) next();
  });
  router.get('/portal/theme.css', (_request, response) => {
    response.type('css').send(files.portalCss);
  });
  router.get('/{*path}', (request, response, next) => {
    const [first = ''] = request.path.slice(1).toLowerCase().split('/');
    const asksForPage = request.headers.accept?.includes('text/html') === true;
    if (NOT_PAGE.includes(first) || (!asksForPage && (request.path !== '/' || files.index))) return next();
    const isPortal = first === 'portal';
    const html = isPortal ? files.portal : files.index;
    if (html === null)
      throw new Problem(404, 'not_found', 'The dashboard is not built here: `npm run build` does it.');
    sendHtml(response, html, isPortal ? portalAncestors : []);
  });
  return router;
}

function sendAsset(assets: PageFiles['assets'], request: Request, response: Response): boolean {
  const plain = assets.get(request.path);
  if (!plain) return false;
  const [encoding, suffix] = ENCODINGS.find(
    ([name, suffix]) => request.acceptsEncodings(name) === name && assets.has(request.path + suffix),
  ) ?? [null, ''];
  response.type(extname(request.path)).vary('accept-encoding');
  response.setHeader('cache-control', HASHED.test(request.path) ? FOR_EVER : FOR_AN_HOUR);
  if (encoding) response.setHeader('content-encoding', encoding);
  response.send(assets.get(request.path + suffix));
  return true;
}

function sendHtml(response: Response, html: string, ancestors: string[]): void {
  const nonce = randomBytes(16).toString('base64');
  const policy = [
    "default-src 'none'",
    "script-src 'self'",
    `style-src 'self' 'nonce-${nonce}'`,
    "img-src 'self' data:",
    "font-src 'self'",
    "connect-src 'self'",
    "base-uri 'none'",
    "form-action 'none'",
    `frame-ancestors ${ancestors.join(' ') || "'none'"}`,
  ];
  response.setHeader('content-security-policy', policy.join('; '));
  // With `no-referrer`, some requests of the page itself would have `origin: null`.
  response.setHeader('referrer-policy', 'same-origin');
  // It cannot name origins, and would refuse those of the policy.
  if (ancestors.length > 0) response.removeHeader('x-frame-options');
  response.type('html').send(html.replaceAll(NONCE, nonce));
}
