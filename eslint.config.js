import js from '@eslint/js';
import reactHooks from 'eslint-plugin-react-hooks';
import tseslint from 'typescript-eslint';

/** The rooms of the source, and which others each may import: data flows one way, and only bootstrap wires things together. */
const rooms = {
  lib: [],
  domain: [],
  db: ['lib', 'domain'],
  webhook: ['lib', 'domain'],
  embedded: ['lib'],
  workflows: ['domain'],
  delivery: ['lib', 'domain', 'db', 'webhook', 'workflows'],
  activities: ['lib', 'domain', 'db', 'delivery', 'workflows'],
  temporal: ['lib', 'domain', 'delivery', 'workflows', 'activities'],
  observability: ['lib', 'domain', 'db', 'delivery', 'temporal'],
  http: ['lib', 'domain', 'db', 'webhook', 'workflows', 'delivery', 'observability'],
  doctor: ['lib', 'db', 'embedded', 'workflows', 'temporal'],
  mcp: ['lib', 'domain', 'http', 'cli'],
};
const layers = Object.fromEntries(
  Object.entries(rooms).map(([room, allowed]) => [
    ['workflows', 'activities'].includes(room) ? `${room}/**` : `src/${room}/**`,
    [...Object.keys(rooms), 'bootstrap', 'cli'].filter((other) => other !== room && !allowed.includes(other)),
  ]),
);

export default tseslint.config(
  { ignores: ['dist/**', '.surehook/**', 'coverage/**', 'src/client/schema.ts'] },
  js.configs.recommended,
  ...tseslint.configs.recommendedTypeChecked,
  {
    languageOptions: {
      parserOptions: {
        projectService: { allowDefaultProject: ['eslint.config.js', 'build.mjs', 'build-client.mjs'] },
      },
    },
    rules: {
      '@typescript-eslint/consistent-type-imports': 'error',
      '@typescript-eslint/restrict-template-expressions': 'off',
      '@typescript-eslint/require-await': 'off',
      // Dependencies are plain objects of functions: nothing of ours reads `this`.
      '@typescript-eslint/unbound-method': 'off',
    },
  },
  ...Object.entries(layers).map(([files, forbidden]) => ({
    files: [files],
    rules: {
      'no-restricted-imports': [
        'error',
        {
          patterns: [
            {
              group: forbidden.map((layer) => `**/${layer}/**`),
              message: 'This layer may not use that one.',
            },
          ],
        },
      ],
    },
  })),
  {
    files: ['dashboard/**'],
    ...reactHooks.configs.flat.recommended,
    rules: {
      ...reactHooks.configs.flat.recommended.rules,
      'no-restricted-imports': [
        'error',
        {
          patterns: [
            {
              regex: '\\.\\./src/(?!domain/|client/schema\\.js)',
              message: 'Of the server, the page knows the types of its API and src/domain.',
            },
          ],
        },
      ],
    },
  },
  {
    files: ['workflows/**'],
    rules: {
      '@typescript-eslint/no-restricted-imports': [
        'error',
        {
          paths: [{ name: 'zod', message: 'zod would grow the workflow bundle by a megabyte.' }],
          patterns: [
            {
              group: ['**/activities/**'],
              allowTypeImports: true,
              message: 'Workflows use only the types of activities.',
            },
            {
              group: layers['workflows/**'].map((layer) => `**/${layer}/**`),
              message: 'This layer may not use that one.',
            },
            { group: ['node:*'], message: 'Workflow code is deterministic: no Node API.' },
          ],
        },
      ],
      'no-restricted-imports': 'off',
    },
  },
);
