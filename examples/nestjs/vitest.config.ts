import { defineTestProject } from '../../vitest.project.ts'

export default defineTestProject('example nestjs', { hookTimeout: 600_000 })
