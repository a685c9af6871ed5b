import { defineTestProject } from '../../vitest.project.ts'

export default defineTestProject('example auto', { hookTimeout: 600_000 })
