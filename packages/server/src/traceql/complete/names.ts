export { attributeKeys } from './attribute-keys.ts'
export { narrowingIn, narrowingOf } from '../analyze/narrowing.ts'
export { attributeValues, typedValues } from './attribute-values.ts'
