export const ISSUE_STATUSES = ['open', 'acknowledged'] as const;
export type IssueStatus = (typeof ISSUE_STATUSES)[number];
