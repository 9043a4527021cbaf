/** Environment variables that a server we start needs. */
const SERVER_VARIABLES = new Set([
  ...['PATH', 'HOME', 'LANG', 'LC_ALL', 'TZ', 'TMPDIR', 'LD_LIBRARY_PATH'],
  ...['GOMAXPROCS', 'GOMEMLIMIT', 'GOGC'],
  ...['SYSTEMROOT', 'TEMP', 'TMP', 'USERPROFILE'],
]);

/**
 * The environment of a server we start: an allow-list, because a user who may read the server's files may also read its
 * environment in /proc, and our own environment holds keys.
 */
export function serverEnv(env: NodeJS.ProcessEnv = process.env): NodeJS.ProcessEnv {
  return only(env, (name) => SERVER_VARIABLES.has(name.toUpperCase()));
}

/** The environment of a tool that downloads or builds: it keeps proxy settings and the like, but not our secrets. */
export function toolEnv(env: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  return only(env, (name) => !/^(SUREHOOK_|DATABASE_URL$|TEMPORAL_API_KEY$|PGPASSWORD$)/i.test(name));
}

const only = (env: NodeJS.ProcessEnv, keep: (name: string) => boolean): NodeJS.ProcessEnv =>
  Object.fromEntries(Object.entries(env).filter(([name]) => keep(name)));
