/** Files in the data folder that only the server's user may read: the generated admin key, and the same as a header for curl. */
export const ADMIN_KEY_FILE = 'admin-key';
export const ADMIN_AUTH_FILE = 'admin-auth';
/** The generated encryption key, or a list of keys. */
export const ENCRYPTION_KEY_FILE = 'encryption-key';
