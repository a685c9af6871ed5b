import { defineTestProject } from '../../vitest.project.ts'

export default defineTestProject('kafka', { expect: { poll: { timeout: 60_000 } } })
