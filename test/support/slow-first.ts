import { BaseSequencer, type TestSpecification } from 'vitest/node';

/** Files that take long among those of their project, in the order in which they begin. */
const SLOW = [
  'domain/any-schema',
  'http/schemathesis',
  'db/pooler',
  'http/api-keys',
  'db/batch-plan',
  'http/two-tenants',
  'http/fair-limit',
  'dashboard/many-rows',
  'package/package',
  'e2e/worker-lost',
];

const rank = ({ moduleId }: TestSpecification) => {
  const place = SLOW.findIndex((name) => moduleId.endsWith(`/test/${name}.test.ts`));
  return place === -1 ? SLOW.length : place;
};

/** Slow files begin first: the last one would keep one core busy, and the other idle. */
export class SlowFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    return (await super.sort(files)).sort((a, b) => rank(a) - rank(b));
  }
}
