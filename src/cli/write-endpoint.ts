import type { Answer } from '../client/index.js';
import type { Output } from './output.js';
import { statusText } from './status-text.js';
import { bold } from './text.js';

/** Writes an endpoint with the settings that it has. */
export function writeEndpoint(out: Output, endpoint: Answer<'getEndpoint'>): void {
  out.result(endpoint, () => {
    const { id, status, ...settings } = endpoint;
    out.line(bold(id), '  ', statusText(status));
    for (const [name, value] of Object.entries(settings)) {
      if (value === null || (typeof value === 'object' && Object.keys(value).length === 0)) continue;
      out.line(`  ${name.padEnd(15)} ${typeof value === 'object' ? JSON.stringify(value) : value}`);
    }
  });
}
