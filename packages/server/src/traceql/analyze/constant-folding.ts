import type { ArithmeticOp, Field, ScalarOp } from '../syntax/ast.ts'

/** Evaluates arithmetic between literals, so that `2 * 500ms` compiles like `1s`. */
export function foldConstants(field: Field): Field {
  if (field.kind === 'unary') {
    const operand = foldConstants(field.operand)
    if (field.op === '!') return { ...field, operand }
    const value = getNumber(operand)
    return value === undefined
      ? { ...field, operand }
      : { kind: 'literal', type: 'float', value: -value, from: field.from, to: field.to }
  }
  if (field.kind !== 'binary') return field
  const left = foldConstants(field.left)
  const right = foldConstants(field.right)
  const [a, b] = [getNumber(left), getNumber(right)]
  if (a === undefined || b === undefined || !isArithmetic(field.op)) return { ...field, left, right }
  return { kind: 'literal', type: 'float', value: calculate(field.op, a, b), from: field.from, to: field.to }
}

export function calculate(op: ArithmeticOp, a: number, b: number): number {
  switch (op) {
    case '+':
      return a + b
    case '-':
      return a - b
    case '*':
      return a * b
    case '/':
      return a / b
    case '%':
      return a % b
    case '^':
      return a ** b
  }
}

export function compareNumbers(left: number, op: ScalarOp, right: number): boolean {
  if (Number.isNaN(left) || Number.isNaN(right)) return false
  switch (op) {
    case '=':
      return left === right
    case '!=':
      return left !== right
    case '>':
      return left > right
    case '>=':
      return left >= right
    case '<':
      return left < right
    case '<=':
      return left <= right
  }
}

function getNumber(field: Field): number | undefined {
  if (field.kind !== 'literal') return undefined
  return field.type === 'int' || field.type === 'float' || field.type === 'duration' ? field.value : undefined
}

function isArithmetic(op: string): op is ArithmeticOp {
  return ['+', '-', '*', '/', '%', '^'].includes(op)
}
