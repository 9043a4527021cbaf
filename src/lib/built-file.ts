import { extname } from 'node:path';
import { fileURLToPath } from 'node:url';

/** Path of a file that `npm run build` writes to dist/, seen from src/ and from dist/src/ alike. */
export const builtFile = (path: string): string =>
  fileURLToPath(
    new URL((extname(import.meta.url) === '.ts' ? '../../dist/' : '../../') + path, import.meta.url),
  );
