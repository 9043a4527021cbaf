/** A column of values that a SecretCipher sealed. */
export interface SealedColumn {
  table: string;
  /** The table's primary key, text. */
  id: string;
  /** The column, bytea. */
  column: string;
}

export const ENDPOINT_SECRET: SealedColumn = { table: 'endpoint_secrets', id: 'id', column: 'sealed' };
export const ENDPOINT_SETTINGS: SealedColumn = { table: 'endpoints', id: 'id', column: 'sealed_settings' };
export const DIGEST_KEY: SealedColumn = { table: 'digest_keys', id: 'id', column: 'sealed' };

/**
 * Every sealed column of the database: a rotation of keys re-encrypts them. Each has the trigger `sealed_key` in its
 * migration, which refuses values sealed with a key that is not one of the database.
 */
export const SEALED_COLUMNS: readonly SealedColumn[] = [ENDPOINT_SECRET, ENDPOINT_SETTINGS, DIGEST_KEY];

/** Associated data of the value in a row. */
export const aboutSealed = ({ table, column }: SealedColumn, id: string): string =>
  `${table}.${column}:${id}`;
