import js from '@eslint/js';
import tseslint from 'typescript-eslint';

/** Which folders a folder may not import from: the data flows one way, and only the roots wire things together. */
const layers = {
  'src/domain/**': ['db', 'http', 'delivery', 'webhook', 'embedded', 'workflows', 'activities'],
  'src/db/**': ['http', 'delivery', 'webhook', 'embedded', 'activities'],
  'src/webhook/**': ['db', 'http', 'delivery', 'embedded', 'workflows', 'activities'],
  'src/embedded/**': ['db', 'http', 'delivery', 'webhook', 'workflows', 'activities'],
  'src/delivery/**': ['http', 'embedded', 'activities'],
  'src/http/**': ['embedded', 'activities'],
  'workflows/**': ['db', 'http', 'delivery', 'webhook', 'embedded'],
  'activities/**': ['http', 'embedded', 'webhook'],
};

export default tseslint.config(
  { ignores: ['dist/**', '.surehook/**', 'coverage/**'] },
  js.configs.recommended,
  ...tseslint.configs.recommendedTypeChecked,
  {
    languageOptions: { parserOptions: { projectService: { allowDefaultProject: ['eslint.config.js'] } } },
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
