import { defineTestProject } from '../../vitest.project.ts'

export default defineTestProject('example register', { hookTimeout: 600_000 })
