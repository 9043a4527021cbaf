import { Router } from 'express';
import { builtFile } from '../lib/built-file.js';
import { securityHeaders } from './security-headers.js';

/** One file without dependencies, also compressed beside it as `.gz`. */
const RAPIDOC = builtFile('docs/rapidoc-min.js');

/** Relative URLs: the page also works below a path of a reverse proxy. */
export const DOCS_PAGE = `<!doctype html>
<html lang="en">
  <head>
    <meta charset="utf-8" />
    <meta name="viewport" content="width=device-width, initial-scale=1" />
    <title>Surehook API</title>
    <link rel="icon" href="data:," />
    <script type="module" src="docs/rapidoc.js"></script>
  </head>
  <body>
    <rapi-doc
      spec-url="openapi.json"
      render-style="focused"
      schema-style="table"
      load-fonts="false"
      show-header="false"
      allow-authentication="true"
      allow-server-selection="false"
      allow-spec-file-download="true"
      use-path-in-nav-bar="true"
      show-method-in-nav-bar="as-colored-text"
      nav-bg-color="#1f2937"
      primary-color="#2563eb"
    ></rapi-doc>
  </body>
</html>
`;

/** For `/docs`: what the page may do, and its script. Nothing comes from another host. */
export function docsAssets(): Router {
  const router = Router();
  router.use(
    securityHeaders({
      scriptSrc: ["'self'"],
      connectSrc: ["'self'"],
      imgSrc: ["'self'", 'data:'],
      // RapiDoc puts styles into its elements.
      styleSrc: ["'self'", "'unsafe-inline'"],
    }),
  );
  router.get('/rapidoc.js', (request, response, next) => {
    const compressed = request.acceptsEncodings('gzip') === 'gzip';
    response.set({ 'content-type': 'text/javascript; charset=utf-8', vary: 'accept-encoding' });
    response.set('cache-control', 'no-cache');
    if (compressed) response.set('content-encoding', 'gzip');
    response.sendFile(
      compressed ? `${RAPIDOC}.gz` : RAPIDOC,
      { cacheControl: false, dotfiles: 'allow' },
      (error) => {
        if (error) next(error);
      },
    );
  });
  return router;
}
