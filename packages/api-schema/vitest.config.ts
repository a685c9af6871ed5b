import { defineTestProject } from '../../vitest.project.ts'

export default defineTestProject('api-schema')
