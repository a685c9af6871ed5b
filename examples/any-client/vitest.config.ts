import { defineTestProject } from '../../vitest.project.ts'

export default defineTestProject('example any-client', { hookTimeout: 600_000 })
