import { defineTestProject } from '../../vitest.project.ts'

export default defineTestProject('example platformatic', { hookTimeout: 600_000 })
