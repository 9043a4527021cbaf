import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { as } from '../support/api-keys.js';
import { neededQuery, answerOf, faultsOf, operations, type Operation } from '../support/conformance.js';
import { seedExamples } from '../support/examples.js';
import { openPortal } from '../support/portal.js';
import { startTestService, type TestService } from '../support/service.js';

let t: TestService;
beforeAll(async () => {
  t = await startTestService();
});
afterAll(() => t.stop());

/** Each request finds the objects of the examples as they were. */
beforeEach(() => seedExamples(t.pool));

const batchIs = (status: string) =>
  `update batches set status = '${status}', dry_run = false, completed_at = null, due_at = now() + interval '1 hour'`;
/** Statements that an operation needs to be run first. */
const BEFORE: Record<string, string> = {
  updateBatch: batchIs('RUNNING'),
  pauseBatch: batchIs('RUNNING'),
  resumeBatch: batchIs('PAUSED'),
  // The workflow that the example before has resumed ends no batch that is paused.
  cancelBatch: batchIs('PAUSED'),
  resumeDeliveries: `insert into control (scope, reason, paused_by) values ('tenant:acme', 'a', 'admin')`,
};

const exampleOf = (content: { example?: unknown } | undefined) => content?.example;

const pathOf = (path: string, operation: Operation) => {
  const { parameters = [] } = operation;
  const exampleFor = (name: string) => String(parameters.find((one) => one.name === name)!.example);
  return path.replaceAll(/\{(\w+)\}/g, (_, name: string) => exampleFor(name)) + neededQuery(operation);
};

test.each(operations.map((one) => [`${one.method} ${one.path}`, one] as const))(
  'the example of %s does what the document says',
  async (_name, { method, path, operation }) => {
    const { operationId, requestBody } = operation;
    if (BEFORE[operationId]) await t.pool.query(BEFORE[operationId]);
    const content = requestBody?.content['application/json'];
    const body = exampleOf(content);
    if (content) {
      expect(body, 'a body has an example').toBeDefined();
      expect(faultsOf(content.schema, body)).toBe('');
    }
    // Conformance is checked with each call.
    const isOfSession = operation['x-roles']?.length === 0;
    const caller = isOfSession ? as(t, await openPortal(t)) : t;
    const answer = await caller.call(method, pathOf(path, operation), body);
    expect(answer.status, JSON.stringify(answer.body)).toBeLessThan(300);
    for (const status of Object.keys(operation.responses).filter((one) => one < '300')) {
      for (const { schema, example } of Object.values(answerOf(operation, Number(status))!.content ?? {})) {
        if (example === undefined) continue;
        expect(faultsOf(schema, example)).toBe('');
        if (Number(status) === answer.status)
          expect(Object.keys(example as object)).toEqual(Object.keys(answer.body));
      }
    }
  },
);
