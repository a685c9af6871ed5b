import { defineTestProject } from '../../vitest.project.ts'

export default defineTestProject('shop', { hookTimeout: 600_000 })
