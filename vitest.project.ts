import { defineProject, type TestProjectInlineConfiguration } from 'vitest/config'

/** Options of a project, in addition to the shared ones. */
type TestOptions = NonNullable<TestProjectInlineConfiguration['test']>

/** A Vitest project of this repository, which loads workspace packages from their sources. */
export function defineTestProject(name: string, options: TestOptions = {}) {
  return defineProject({
    resolve: { conditions: ['spanlink:source'] },
    ssr: { resolve: { conditions: ['spanlink:source'] } },
    test: {
      name,
      include: ['src/**/*.test.ts', 'test/**/*.test.ts'],
      exclude: ['**/node_modules/**'],
      // Not an assertion: tests that take a second alone took thirty beside other suites.
      testTimeout: 120_000,
      hookTimeout: 120_000,
      ...options,
    },
  })
}
