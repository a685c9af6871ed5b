import { defineTestProject } from '../../vitest.project.ts'

export default defineTestProject('example confluent', { hookTimeout: 600_000 })
