import type { IdPrefix } from '../lib/ids.js';

/** Ids in the examples of the OpenAPI document. */
export const EXAMPLE_IDS = {
  evt: 'evt_01a20fae693771d6861e317f7286f447',
  ep: 'ep_01a20fae692075fcab6cdb5e7c74022b',
  del: 'del_01a20fae69377ee7a2dc3ca20f2a3888',
  bat: 'bat_01a20fb0ddd2374b48c7f5c014894987',
  key: 'key_01a20fae693171eb9903bbde8ad5450b',
  iss: 'iss_01a20fae6a5575f2a3d40c6b1e9827fd',
  pos: 'pos_01a20fae693a7c0e8b51f2a9d3c46e70',
} as const satisfies Partial<Record<IdPrefix, string>>;
