/** The types of the API, made for the client. */
export type { components, operations, paths } from '../../../src/client/schema.js';
