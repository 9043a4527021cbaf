import { z } from 'zod';

/**
 * A text in the address. A number that was typed by hand, such as `?tenant=17`, is one, too; what is not understood is left
 * out, so that an address typed by hand still opens.
 */
export const searchText = z
  .union([z.string().min(1), z.number().transform(String)])
  .optional()
  .catch(undefined);
