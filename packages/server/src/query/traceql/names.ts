export { attributeKeys } from './attribute-keys.ts'
export { attributeValues } from './attribute-values.ts'
