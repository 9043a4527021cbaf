/** The name of a database with all migrations, made by servers.ts. Nobody may connect to it: it is copied. */
export const TEMPLATE = 'migrated_template';
