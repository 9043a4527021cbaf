import type { z } from 'zod';
import { decodeIssueCursor, listIssues, markIssue, type StoredIssue } from '../../db/issues.js';
import { describeIssue } from '../../domain/issue.js';
import { answer } from '../answer.js';
import { pageOf } from '../answers/common.js';
import { issue } from '../answers/issues.js';
import { issuesQuery, noteBody } from '../issue-schemas.js';
import { badField, notFound } from '../problem.js';
import { idParam, route } from '../route.js';

const tag = 'Issues';

const list = route('GET /v1/issues', {
  operationId: 'listIssues',
  tag,
  role: 'viewer',
  summary: 'List what fails, by endpoint and classification',
  description:
    'Open issues first, the last seen first. Counted within seconds of the commit, over all data; URLs of `POST /v1/send` and deleted endpoints have none.',
  query: issuesQuery,
  responses: { 200: { description: 'A page.', schema: pageOf(issue).meta({ id: 'IssueList' }) } },
  async handle({ query: { limit, cursor, ...filter } }, { pool }) {
    const place = cursor === undefined ? null : decodeIssueCursor(cursor);
    if (cursor !== undefined && place === null) throw badField('cursor', 'Is not a cursor of this list.');
    const { data, next_cursor } = await listIssues(pool, filter, { limit, place });
    return answer(200, { data: data.map(shown), next_cursor });
  },
});

const verbs = (
  [
    ['acknowledge', 'Acknowledge an issue, until it fails again', 'their team is told'],
    ['reopen', 'Open an acknowledged issue again', 'not mended after all'],
  ] as const
).map(([verb, summary, note]) =>
  route(`POST /v1/issues/{id}/${verb}`, {
    operationId: `${verb}Issue`,
    tag,
    role: 'operator',
    summary,
    params: { id: idParam('iss', 'issue') },
    body: noteBody,
    optionalBody: true,
    example: { note },
    responses: { 200: { description: 'The issue.', schema: issue } },
    async handle({ params: { id }, body: { note = null }, actor }, { pool }) {
      const marked = await markIssue(pool, id, verb === 'acknowledge' ? { note } : null, { actor, note });
      if (!marked) throw notFound('issue', id);
      return answer(200, shown(marked));
    },
  }),
);

export const issueRoutes = [list, ...verbs];

const shown = ({ last_attempt, ...stored }: StoredIssue): z.input<typeof issue> => ({
  ...stored,
  ...describeIssue(stored.classification, last_attempt),
});
