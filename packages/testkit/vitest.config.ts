import { defineTestProject } from '../../vitest.project.ts'

export default defineTestProject('testkit', { expect: { poll: { timeout: 60_000 } } })
