import { defineTestProject } from '../../vitest.project.ts'

export default defineTestProject('ui', { expect: { poll: { timeout: 60_000 } } })
