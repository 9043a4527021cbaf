import helmet from 'helmet';

/** Nothing that is answered may load, run or frame anything as a page, except what `allowed` names. */
export const securityHeaders = (allowed: Record<string, string[]> = {}): ReturnType<typeof helmet> =>
  helmet({
    contentSecurityPolicy: {
      useDefaults: false,
      directives: {
        defaultSrc: ["'none'"],
        baseUri: ["'none'"],
        formAction: ["'none'"],
        frameAncestors: ["'none'"],
        ...allowed,
      },
    },
    // Only the server that terminates TLS knows whether all of its host speaks TLS.
    strictTransportSecurity: false,
  });
