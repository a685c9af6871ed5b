import { defineTestProject } from '../vitest.project.ts'

export default defineTestProject('scripts', { include: ['**/*.test.ts'] })
