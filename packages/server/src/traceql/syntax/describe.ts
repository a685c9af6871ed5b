import type { Field } from './ast.ts'

/** Formats a field in query syntax. */
export function describeField(field: Field): string {
  switch (field.kind) {
    case 'attribute': {
      const scope = field.scope === 'any' ? '' : field.scope
      return `${field.parent ? 'parent.' : ''}${scope}${scope === '' && field.parent ? '' : '.'}${quoteName(field.key)}`
    }
    case 'intrinsic':
      return field.name
    case 'literal':
      if (field.type === 'string') return JSON.stringify(field.value)
      if (field.type === 'int') return field.text
      return field.type === 'nil' ? 'nil' : `${field.value}${field.type === 'duration' ? 'ns' : ''}`
    case 'unary':
      return `${field.op}${describeNested(field.operand)}`
    case 'binary':
      return `${describeNested(field.left)} ${field.op} ${describeNested(field.right)}`
  }
}

/** Quotes a name that contains delimiters. */
export function quoteName(key: string): string {
  return /^[^\s{}()=~!<>&|^,"\\`]+$/.test(key) ? key : JSON.stringify(key)
}

function describeNested(field: Field): string {
  return field.kind === 'binary' ? `(${describeField(field)})` : describeField(field)
}
